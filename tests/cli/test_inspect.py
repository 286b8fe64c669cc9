"""`elsewhere inspect` reads a snapshot: no Python, no program, no import."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Python

SOURCE = """
import time
from collections import deque
class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y
def inner(depth):
    point, names = Point(1, 2.5), ["it's", None, b"\\x00"]
    recent = deque([7])
    def spin():
        return point, depth
    print("ready", flush=True)
    while True:
        time.sleep(0.01)
def outer(n):
    return 1 + inner(n)
trouble = LookupError("gone")
trouble.code = 5
greeting = "caf\\u00e9\\x1b[31m"
outer(3)
"""


@pytest.fixture
def snapshot(command: str, python: Python, tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(SOURCE)
    words = [command, "run", "--python", python.executable, "--snapshot", "a.snap", "program.py"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 75
    (tmp_path / "program.py").unlink()
    return tmp_path / "a.snap"


def inspect(command: str, *words: str) -> str:
    # Without PATH and package there is nothing that it could run.
    environment = {"PATH": "/none", "ELSEWHERE_PACKAGE": "/none", "LANG": "C.UTF-8"}
    done = subprocess.run(
        [command, "inspect", *words], env=environment, capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def values(frame: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in frame["locals"]}


def test_json_has_header_frames_and_locals(command: str, python: Python, snapshot: Path) -> None:
    told = json.loads(inspect(command, "--json", str(snapshot)))
    program = str(snapshot.parent / "program.py")
    assert (told["target"], told["program"], told["arguments"]) == ("script", program, [])
    assert told["python_version"].startswith(python.version + ".")
    assert told["directory"] == str(snapshot.parent)
    assert (told["purpose"], told["generation"]) == ("suspend", 0)
    assert sum(told["sections"].values()) < snapshot.stat().st_size
    module, outer, inner = told["frames"]
    assert [frame["function"] for frame in (module, outer, inner)] == ["<module>", "outer", "inner"]
    assert {frame["file"] for frame in told["frames"]} == {program}
    assert (module["line"], outer["line"]) == (20, 16)
    assert inner["line"] in (12, 13, 14)
    assert values(module) == {"trouble": "LookupError()", "greeting": "'caf\u00e9\x1b[31m'"}
    assert values(outer) == {"n": "3"}
    assert values(inner)["depth"] == "3"
    assert values(inner)["point"] == "Point(x=1, y=2.5)"
    assert values(inner)["names"].startswith("['it\\'s', None, b'")
    assert values(inner)["spin"] == "<function inner.<locals>.spin>"
    assert {"role": "temporary", "value": "1"} in outer["stack"]


def test_text_says_the_same_and_is_safe_to_print(command: str, snapshot: Path) -> None:
    text = inspect(command, str(snapshot))
    assert f"\nouter  {snapshot.parent}/program.py:16\n    n = 3\n" in text
    assert "    point = Point(x=1, y=2.5)\n" in text
    assert "    greeting = 'caf\u00e9\\x1b[31m'\n" in text
    assert "\x1b" not in text


def test_it_reads_what_it_may_not_write(command: str, snapshot: Path) -> None:
    before = snapshot.read_bytes(), os.stat(snapshot).st_mtime_ns
    snapshot.chmod(0o400)
    inspect(command, str(snapshot), "--json")
    assert (snapshot.read_bytes(), os.stat(snapshot).st_mtime_ns) == before
