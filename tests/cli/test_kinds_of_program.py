"""Programs that are no script file: they are shown what `python` shows them, and they move on."""

from __future__ import annotations

import os
import signal
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SUSPENDED = 75
SOURCE = """
import os, sys, time
print(__name__, sys.argv, sys.path[0], globals().get("__file__"), __package__)
print(__spec__ and (__spec__.name, __spec__.origin), type(__loader__).__name__)
print(sorted(globals()), sys.modules["__main__"].__dict__ is globals())
total = 0
for i in range(3):
    print("step", i, flush=True)
    while not os.path.exists(f"go{i}"):
        time.sleep(0.005)
    total += i
print("total", total, __name__, sys.argv, sys.path[0], globals().get("__file__"))
print(__spec__ and (__spec__.name, __spec__.origin), type(__loader__).__name__)
import helps
print(helps.__file__, repr(sys.stdin.read()))
sys.exit(7)
"""
KINDS = {
    "command": ["-c", SOURCE, "a", "--b"],
    "module": ["-m", "steps", "a", "--b"],
    "package": ["-m", "packed", "a", "--b"],
    "submodule": ["-m", "packed.inner", "a", "--b"],
    "folder": ["packed", "a", "--b"],
    "zipapp": ["app.pyz", "a", "--b"],
    "stdin": ["-", "a", "--b"],
    "bare stdin": [],
}
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "packed").mkdir(parents=True)
    (folder / "helps.py").touch()
    for name in ("helps", "__init__"):
        (folder / f"packed/{name}.py").touch()
    for name in ("steps", "packed/__main__", "packed/inner"):
        (folder / f"{name}.py").write_text(SOURCE)
    with zipfile.ZipFile(folder / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", SOURCE)
        archive.writestr("helps.py", "")
    return folder


@pytest.fixture
def start(work: Path) -> Any:
    """start(words, kind) begins a life in `work`; what is still alive at the end is killed."""
    begun = []

    def started(words: list[str], kind: str, piped: bool = False) -> subprocess.Popen[bytes]:
        with (
            open(work / "steps.py" if "stdin" in kind else os.devnull, "rb") as given,
            open(work / "stdout", "ab") as stdout,
            open(work / "stderr", "ab") as stderr,
        ):
            process = subprocess.Popen(
                words,
                cwd=work,
                env={**os.environ, "XDG_STATE_HOME": str(work)},
                stdin=subprocess.PIPE if piped else given,
                stdout=stdout,
                stderr=stderr,
            )
        begun.append(process)
        if process.stdin:
            process.stdin.write(SOURCE.encode() if "stdin" in kind else b"")
            process.stdin.close()
        return process

    yield started
    for process in begun:
        if process.poll() is None:
            process.kill()
            process.wait()


def until_step(process: subprocess.Popen[bytes], work: Path, number: int) -> None:
    for _ in range(4000):
        if f"step {number}\n".encode() in (work / "stdout").read_bytes():
            return
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.005)
    raise AssertionError(f"step {number} did not come")


def go(work: Path, *numbers: int) -> None:
    for number in numbers:
        (work / f"go{number}").touch()


def taken_output(work: Path) -> str:
    text = (work / "stdout").read_text()
    for name in ("stdout", "stderr", "go0", "go1", "go2"):
        (work / name).unlink(missing_ok=True)
    return text


def plain_output(start: Start, work: Path, python: Any, kind: str) -> str:
    go(work, 0, 1, 2)
    assert start([python.executable, *KINDS[kind]], kind).wait(30) == 7
    text = taken_output(work)
    assert "total 3" in text
    return text


def run_words(command: str, python: Any) -> list[str]:
    return [command, "run", "--python", python.executable]


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_of_program_goes_on_as_if_it_had_never_left(
    kind: str, start: Start, work: Path, command: str, python: Any
) -> None:
    expected = plain_output(start, work, python, kind)
    words = [*run_words(command, python), "--snapshot", "here.snap", *KINDS[kind]]
    process = start(words, kind)
    until_step(process, work, 0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == SUSPENDED, (work / "stderr").read_text()
    go(work, 0)
    process = start(words, kind, piped=True)  # the same command line
    until_step(process, work, 1)
    subprocess.run([command, "suspend", str(process.pid)], check=True, timeout=20)
    assert process.wait(20) == SUSPENDED
    go(work, 1)
    process = start([command, "resume", "here.snap"], "resumed")
    until_step(process, work, 2)
    process.send_signal(signal.SIGUSR1)
    for _ in range(2000):
        if list(work.glob("elsewhere/*.snap")):
            break
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.005)
    (copy,) = work.glob("elsewhere/*.snap")
    go(work, 2)
    assert process.wait(20) == 7
    assert (work / "stdout").read_text() == expected
    # What SIGUSR1 wrote goes on from there as well.
    assert start([command, "resume", str(copy)], "resumed").wait(20) == 7
    assert taken_output(work) == expected + expected.partition("step 2\n")[2]


@pytest.mark.parametrize("kind", KINDS)
def test_another_program_of_its_kind_does_not_go_on_from_its_snapshot(
    kind: str, start: Start, work: Path, command: str, python: Any
) -> None:
    words = [*run_words(command, python), "--snapshot", "here.snap"]
    process = start([*words, *KINDS[kind]], kind)
    until_step(process, work, 0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == SUSPENDED
    other = subprocess.run(
        [*words, "-"], cwd=work, input=b"print('other')", capture_output=True, timeout=20
    )
    assert (other.returncode, other.stdout) == (2, b"")
    assert b"is a snapshot of another program" in other.stderr
    assert (work / "here.snap").exists()


@pytest.mark.parametrize("source", [b"print(1\n", b"1/0\n", b"import sys; sys.exit('no')", b""])
def test_a_program_from_standard_input_ends_as_it_does_in_python(
    source: bytes, command: str, python: Any
) -> None:
    if python.version == "3.9" and source == b"print(1\n":
        pytest.skip("what 3.9 reads from a file ends a line later than what it compiles")
    ends = []
    for words in ([python.executable, "-"], [*run_words(command, python), "-"]):
        done = subprocess.run(words, input=source, capture_output=True, timeout=30)
        ends.append((done.returncode, done.stdout, done.stderr))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("given", ["closed", "folder"])
def test_a_standard_input_that_cannot_be_read_is_66(
    given: str, tmp_path: Path, command: str, python: Any
) -> None:
    where = "<&-" if given == "closed" else f"< {tmp_path}"
    done = subprocess.run(
        ["sh", "-c", f'"$@" {where}', "sh", *run_words(command, python), "-"],
        capture_output=True,
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (66, b"")
    assert b"cannot read the program from standard input" in done.stderr


def test_a_program_too_long_to_hand_over_is_refused(command: str, python: Any) -> None:
    words = [*run_words(command, python), "-"]
    done = subprocess.run(words, input=b"#" * 200_000, capture_output=True, timeout=20)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"too long: " in done.stderr and b"hint: save them to a file" in done.stderr


def test_the_text_of_a_program_from_standard_input_may_be_of_any_encoding(
    command: str, python: Any
) -> None:
    source = b"# coding: latin-1\nprint(ascii('caf\xe9'))\n"
    words = [*run_words(command, python), "-"]
    assert subprocess.run(words, input=source, capture_output=True).stdout == b"'caf\\xe9'\n"
