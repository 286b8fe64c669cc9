"""`elsewhere check`: what of a program could not be kept, and the program goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

HOLDS = """
import pathlib, socket, sys, time
def wait_for(name):
    while not (pathlib.Path(sys.argv[1]) / name).exists():
        time.sleep(0.2)
class Pool:
    def __init__(self):
        self.items = [1, socket.socket()]
pool = Pool()
print("begun", flush=True)
wait_for("clean")
pool.items[1].close()
del pool.items[1]
print("clean", flush=True)
wait_for("deep")
def deep():
    inside = iter([1, 2, 3])
    next(inside)
    for turn in range(10**9):
        if turn % 10**5 == 0 and (pathlib.Path(sys.argv[1]) / "over").exists():
            return list(inside)
print("deep", flush=True)
print(deep(), flush=True)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "run").mkdir(mode=0o700)
    return {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run")}


@pytest.fixture
def check(command: str, environment: dict[str, str], tmp_path: Path) -> Callable[..., Any]:
    def checked(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, "check", *words],
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return checked


@contextmanager
def running(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            yield program
        finally:
            program.kill()


def test_a_running_program_is_looked_at_and_goes_on(
    command: str, python: Any, check: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / "holds.py"
    script.write_text(HOLDS)
    words = [command, "run", "--python", python.executable, str(script), str(tmp_path)]
    with running(words, environment) as program:
        assert program.stdout is not None and program.stdout.readline() == "begun\n"
        told = check(str(program.pid))
        assert told.returncode == 64 and told.stderr == ""
        assert told.stdout.startswith("__main__.pool.items[1]: a socket"), told.stdout
        told = check("--json", str(program.pid))
        (problem,) = json.loads(told.stdout)["problems"]
        assert told.returncode == 64 and json.loads(told.stdout)["ok"] is False
        assert problem["path"] == "__main__.pool.items[1]" and "close it" in problem["hint"]
        (tmp_path / "clean").touch()
        assert program.stdout.readline() == "clean\n"
        told = check("--json", str(program.pid))
        assert (told.returncode, json.loads(told.stdout)) == (0, {"ok": True, "problems": []})
        (tmp_path / "deep").touch()
        assert program.stdout.readline() == "deep\n"
        for _ in range(3):  # in the middle of a loop
            told = check(str(program.pid))
            assert (told.returncode, told.stdout) == (0, "everything can be kept\n"), told
        (tmp_path / "over").touch()
        assert program.stdout.read() == "[2, 3]\n"
        assert program.wait(20) == 0
        assert program.stderr is not None and program.stderr.read() == ""
    assert not list((tmp_path / "run/elsewhere").iterdir()), "no request and no answer is left"
    assert not list(tmp_path.glob("**/*.snap"))


def test_a_frame_that_is_in_the_way_is_told(
    command: str, python: Any, check: Any, environment: dict[str, str]
) -> None:
    source = (
        "import time\n"
        "class Key:\n"
        "    def __hash__(self):\n"
        "        print('hashing', flush=True)\n"
        "        end = time.monotonic() + 4\n"
        "        while time.monotonic() < end: pass\n"
        "        return 1\n"
        "print(len({Key(): 1}))\n"
    )
    words = [command, "run", "--python", python.executable, "-c", source]
    with running(words, environment) as program:
        assert program.stdout is not None and program.stdout.readline() == "hashing\n"
        told = check(str(program.pid))
        assert told.returncode == 64
        assert "cannot leave <module> (<string>:8)" in told.stdout
        assert program.stdout.read() == "1\n" and program.wait(20) == 0


def test_a_check_does_not_stand_in_the_way_of_a_suspend(
    command: str, python: Any, check: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    snapshot = str(tmp_path / "it.snap")
    source = "import time\nprint('begun', flush=True)\ntime.sleep(30)\nprint('woken')"
    words = [command, "run", "--python", python.executable, "--snapshot", snapshot, "-c", source]
    with running(words, environment) as program:
        assert program.stdout is not None and program.stdout.readline() == "begun\n"
        assert check(str(program.pid)).returncode == 0
        time.sleep(0.1)
        program.send_signal(signal.SIGTERM)
        assert program.wait(20) == 75
    assert Path(snapshot).exists()


def test_a_script_is_run_and_looked_at_when_it_ends(
    python: Any, check: Any, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(
        "import socket, sys\nprint('printed', sys.argv[1:])\n"
        "held = [socket.socket()]\nsys.exit(3)\n"
    )
    told = check("--python", python.executable, "--after", "30s", "script.py", "a", "--b")
    assert told.returncode == 64 and told.stdout.startswith("__main__.held[0]: a socket")
    assert told.stderr == "printed ['a', '--b']\n", "what it prints is no part of the report"
    told = check("--python", python.executable, "-c", "kept = [1, iter('ab')]")
    assert (told.returncode, told.stdout, told.stderr) == (0, "everything can be kept\n", "")


def test_a_script_that_goes_on_is_looked_at_and_ended(
    python: Any, check: Any, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(
        "import socket, time\n"
        "def work():\n"
        "    inside = socket.socket()\n"
        "    try:\n"
        "        time.sleep(600)\n"
        "    except KeyboardInterrupt:\n"
        "        open('cleaned', 'w').close()\n"
        "work()\n"
    )
    began = time.monotonic()
    told = check("--json", "--after", "3s", "--python", python.executable, "script.py")
    assert told.returncode == 64 and time.monotonic() - began < 30
    paths = [problem["path"] for problem in json.loads(told.stdout)["problems"]]
    assert any("work" in path and "inside" in path for path in paths), paths
    assert (tmp_path / "cleaned").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["none.py"], 66, "none.py"),
        (["99999999"], 66, "no process 99999999"),
        ([], 2, "no process and no script"),
        (["--after", "soon", "x.py"], 2, "soon"),
        (["--no-such", "x.py"], 2, "--no-such"),
        ([str(os.getpid())], 2, "is not under `elsewhere run`"),
    ],
)
def test_wrong_words_are_told(words: list[str], code: int, said: str, check: Any) -> None:
    told = check(*words)
    assert (told.returncode, told.stdout) == (code, "") and said in told.stderr
