"""`elsewhere suspend` from the asking side: the program is a stand-in that follows a script."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CONTROL = signal.SIGRTMIN + 8
# Catches the control signal, reads the request, lets `answer` deal with it.
BOOT = """
import json, os, signal, sys, time
stem = os.environ["XDG_RUNTIME_DIR"] + "/elsewhere/%d" % os.getpid()
def reply(answer):
    with open(stem + ".part", "w") as file:
        json.dump(answer, file)
    os.rename(stem + ".part", stem + ".answer")
def on_control(number, frame):
    with open(stem + ".request") as file:
        request = json.load(file)
    os.unlink(stem + ".request")
    answer(request)
def answer(request):
{body}
signal.signal({control}, on_control)
signal.pthread_sigmask(signal.SIG_SETMASK, [])
print("ready", flush=True)
while True:
    signal.pause()
"""


class Asked:
    def __init__(self, command: str, folder: Path, body: str) -> None:
        self.command = command
        package = folder / "package"
        package.mkdir()
        (package / f"_elsewhere{sysconfig.get_config_var('EXT_SUFFIX')}").touch()
        indented = "\n".join("    " + line for line in body.splitlines())
        boot = BOOT.replace("{control}", str(int(CONTROL))).replace("{body}", indented)
        (package / "_boot.py").write_text(boot)
        (folder / "run").mkdir(mode=0o700)
        self.environment = {
            **os.environ,
            "ELSEWHERE_PACKAGE": str(package),
            "XDG_RUNTIME_DIR": str(folder / "run"),
        }
        self.folder = folder

    @contextmanager
    def program(self) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [self.command, "run", "-c", ""],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as program:
            try:
                yield program
            finally:
                program.kill()

    def suspend(self, *words: str) -> subprocess.CompletedProcess[str]:
        # The asker's own XDG_RUNTIME_DIR must not matter: it may come from another login.
        return subprocess.run(
            [self.command, "suspend", *words],
            env={**os.environ, "XDG_RUNTIME_DIR": "/elsewhere-none"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
        )


def test_says_where_the_program_went_once_it_has_ended(command: str, tmp_path: Path) -> None:
    body = 'reply({"ok": True, "file": request["file"]})\ntime.sleep(0.2)\nos._exit(75)'
    asked = Asked(command, tmp_path, body)
    with asked.program() as program:
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
        done = asked.suspend(str(program.pid), "-o", "a.snap")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{tmp_path}/a.snap\n"
        assert program.poll() == 75
    assert list((tmp_path / "run" / "elsewhere").iterdir()) == []


def test_may_come_before_the_program_is_ready(command: str, tmp_path: Path) -> None:
    body = 'reply({"ok": True, "file": "/early"})\nos._exit(75)'
    asked = Asked(command, tmp_path, body)
    with asked.program() as program:
        # Until its first instruction a process cannot be told from any other.
        while (done := asked.suspend(str(program.pid))).returncode == 2:
            assert program.poll() is None
        assert done.stdout == "/early\n"


def test_passes_on_why_it_was_refused(command: str, tmp_path: Path) -> None:
    body = 'reply({"ok": False, "error": "x is a socket", "hint": "close it", "exit_code": 64})'
    asked = Asked(command, tmp_path, body)
    with asked.program() as program:
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
        for _ in range(2):
            done = asked.suspend(str(program.pid))
            assert (done.returncode, done.stdout) == (64, "")
            assert done.stderr == "error: x is a socket\nhint: close it\n"
        assert program.poll() is None


def test_a_program_that_ends_instead_is_an_error(command: str, tmp_path: Path) -> None:
    asked = Asked(command, tmp_path, "os._exit(3)")
    with asked.program() as program:
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
        done = asked.suspend(str(program.pid))
        assert done.returncode == 1
        assert "ended before" in done.stderr


def test_there_must_be_such_a_program(command: str, tmp_path: Path) -> None:
    asked = Asked(command, tmp_path, "pass")
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            assert asked.suspend(str(other.pid)).returncode == 2
        finally:
            other.kill()
    assert asked.suspend(str(other.pid)).returncode == 66


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to start a process as another user")
def test_the_program_must_be_ones_own(command: str, tmp_path: Path) -> None:
    asked = Asked(command, tmp_path, "pass")
    with subprocess.Popen(["sleep", "60"], user=65534) as other:
        try:
            assert asked.suspend(str(other.pid)).returncode == 77
        finally:
            other.kill()


def test_a_runtime_directory_open_to_others_is_refused(command: str, tmp_path: Path) -> None:
    asked = Asked(command, tmp_path, "pass")
    (tmp_path / "run" / "elsewhere").mkdir()
    (tmp_path / "run" / "elsewhere").chmod(0o755)
    with asked.program() as program:
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
        assert asked.suspend(str(program.pid)).returncode == 77
