"""`elsewhere doctor` says how far a spec comes, and why no farther."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STAGES = ["reach", "login", "shell", "python", "versions", "engine"]


def doctor(command: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, "doctor", *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def report(command: str, spec: str) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    done = doctor(command, "--json", spec)
    return json.loads(done.stdout), done


def states(told: dict[str, Any]) -> dict[str, str]:
    return {stage["stage"]: stage["state"] for stage in told["stages"]}


def test_all_is_well_from_the_reach_to_the_versions(command, sshd):
    told, done = report(command, sshd.spec("far", f"python='{sys.executable}'"))
    assert done.returncode == 0, done.stderr
    assert list(states(told)) == STAGES
    assert {states(told)[stage] for stage in STAGES[:-1]} == {"ok"}
    assert told["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert (told["ok"], told["place"]) == (True, "far")


def test_a_shell_that_prints_is_no_fault_but_is_told(command, sshd):
    done = doctor(command, sshd.spec("noisy", f"python='{sys.executable}'"))
    assert done.returncode == 0, done.stderr
    assert "prints on stdout: Welcome to noisy!\n" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("host", "modifier", "stage", "code"),
    [
        ("-o HostName=no-such-host.invalid far", "id=a", "reach", 69),
        ("-o Port=1 far", "id=a", "reach", 69),
        ("refused", "id=a", "login", 77),
        ("stranger", "id=a", "login", 77),
        ("changed", "id=a", "login", 77),
        ("far", "before=no-such-command-9", "before", 1),
        ("far", "python=3.987", "python", 78),
        ("far", "python=/bin/cat", "versions", 1),
    ],
)
def test_what_fails_is_named_with_its_stage_and_exit_code(
    command, sshd, host, modifier, stage, code
):
    told, done = report(command, sshd.spec(host, modifier))
    assert done.returncode == code, done.stderr
    assert told["exit_code"] == code
    seen = states(told)
    order = list(seen)
    at = order.index(stage)
    assert seen[stage] == "failed"
    assert {seen[before] for before in order[:at]} <= {"ok"}
    assert {seen[behind] for behind in order[at + 1 :]} <= {"not tried"}
    assert host.split()[-1] in told["error"]
    assert done.stderr.startswith(f"error: {told['error']}\nhint: ")


def test_a_changed_host_key_comes_with_the_line_and_the_remedy(command, sshd):
    told, _ = report(command, sshd.spec("changed"))
    assert told["error"].endswith(f"the old one is in {sshd.directory}/known_hosts:2")
    assert f'ssh-keygen -f "{sshd.directory}/known_hosts" -R "changed"' in told["hint"]


def test_a_local_python_has_no_way_to_go(command):
    told, done = report(command, f"popen//python='{sys.executable}'")
    assert done.returncode == 0, done.stderr
    assert list(states(told)) == ["python", "versions", "engine"]


@pytest.mark.parametrize(
    ("spec", "code", "words"),
    [
        ("popen//pyhton=3", 2, "did you mean `python`?"),
        ("popen//ssh=far", 2, "both `popen` and `ssh`"),
        ("net=house", 78, "not in this version"),
        ("ssh=-N far", 2, "-N leaves no stream"),
    ],
)
def test_a_spec_that_cannot_be_is_refused_before_anything_starts(command, spec, code, words):
    done = doctor(command, spec)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stdout == ""


@pytest.fixture
def silent_port():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_host_that_never_answers_is_given_up(command, sshd, silent_port):
    port = silent_port.getsockname()[1]
    done = doctor(command, "--timeout", "1", sshd.spec(f"-o Port={port} far"))
    assert done.returncode == 75
    assert "far did not answer in time" in done.stderr


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in tasks.read_text().split()]


def test_a_signal_ends_it_and_its_ssh(command, sshd, silent_port):
    port = silent_port.getsockname()[1]
    running = subprocess.Popen(
        [command, "doctor", sshd.spec(f"-o Port={port} far")],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        silent_port.settimeout(30)
        connection, _ = silent_port.accept()
        with connection:
            (ssh,) = children_of(running.pid)
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=30)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == -signal.SIGINT
    assert not Path(f"/proc/{ssh}").exists()
