"""The server that the other tests log in to."""

from __future__ import annotations

import subprocess

import pytest


def run(config: object, host: str, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ssh", "-F", str(config), "-o", "BatchMode=yes", host, command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=30,
    )


@pytest.mark.parametrize("host", ["far", "far2"])
def test_a_command_runs_and_its_exit_code_comes_back(sshd, host):
    done = run(sshd.config, host, "echo there; exit 7")
    assert (done.stdout, done.returncode) == ("there\n", 7), done.stderr


def test_a_noisy_shell_prints_first(sshd):
    assert run(sshd.config, "noisy", "echo there").stdout == "Welcome to noisy!\nthere\n"


@pytest.mark.parametrize("host", ["stranger", "changed"])
def test_a_host_key_that_is_not_the_known_one_ends_the_connection(sshd, host):
    done = run(sshd.config, host, "true")
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_a_key_that_the_server_does_not_know_is_refused(sshd):
    assert "Permission denied (publickey)" in run(sshd.config, "refused", "true").stderr


def test_connections_can_share_one(sshd):
    assert run(sshd.reused, "far", "echo there").stdout == "there\n"
    assert (sshd.directory / "control" / "far").exists()
    assert run(sshd.reused, "far", "echo again").stdout == "again\n"
