"""Whatever is wrong, it is said with `error:` and `hint:`, has its exit code, and loses nothing."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Python, found_pythons

COUNT = """
import sys, time
ballast = bytes(range(256)) * int(sys.argv[1])
for i in range(60):
    print(i, flush=True)
    time.sleep(0.01)
print(len(ballast))
"""
ALL = [str(i) for i in range(60)]
# Between two matches sub() keeps its state in C: no moment of this program can be captured.
STUCK = """
import json, time
def wait(value):
    end = time.monotonic() + 4
    while time.monotonic() < end:
        time.sleep(0.01)
    return value.decode()
print("started", flush=True)
print(json.dumps([b"Abc"], default=wait))
"""
ENDLESS = """
import time
ballast = bytearray(3_000_000)
while True:
    time.sleep(0.001)
"""


class Lives:
    """One program in a folder of its own, run under the command again and again."""

    def __init__(self, command: str, python: Python, folder: Path, source: str) -> None:
        self.command, self.python, self.folder = command, python, folder
        self.snapshot = folder / "life.snap"
        self.out, self.err = folder / "out", folder / "err"
        (folder / "program.py").write_text(source)
        self.running: list[subprocess.Popen[bytes]] = []

    def words(self, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        own = ["--python", self.python.executable, "--snapshot", str(self.snapshot)]
        return [self.command, "run", *own, *options, "program.py", *arguments]

    def start(
        self, *arguments: str, options: tuple[str, ...] = (), **popen: Any
    ) -> subprocess.Popen[bytes]:
        words = self.words(*arguments, options=options)
        with self.out.open("ab") as out, self.err.open("ab") as err:
            process = subprocess.Popen(words, cwd=self.folder, stdout=out, stderr=err, **popen)
        self.running.append(process)
        return process

    def lines(self) -> list[str]:
        return self.out.read_text().splitlines() if self.out.exists() else []

    def wait_for(self, what: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not what():
            assert time.monotonic() < end, (self.lines(), self.err.read_text())
            time.sleep(0.005)

    def wait_for_lines(self, count: int) -> None:
        self.wait_for(lambda: len(self.lines()) >= count)

    def suspended(self, ballast: int = 1) -> bytes:
        """Suspends after a few lines; the bytes of the snapshot."""
        process = self.start(str(ballast))
        self.wait_for_lines(5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 75, self.err.read_text()
        return self.snapshot.read_bytes()

    def finish(self, ballast: int = 1) -> None:
        """Goes on to the end, which must be that of a single life."""
        assert self.start(str(ballast)).wait(60) == 0, self.err.read_text()
        assert self.lines() == [*ALL, str(256 * ballast)]
        assert not self.snapshot.exists()

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, *words], cwd=self.folder, capture_output=True, text=True, timeout=60
        )

    def is_refused(self, done: subprocess.CompletedProcess[str], code: int) -> str:
        assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
        assert (done.returncode, done.stdout) == (code, "")
        return done.stderr

    def complaint(self) -> str:
        """What the program's own process said, once it said it."""
        self.wait_for(
            lambda: "error: " in self.err.read_text() and "hint: " in self.err.read_text()
        )
        return self.err.read_text()


@pytest.fixture
def lives(command: str, python: Python, tmp_path: Path) -> Iterator[Callable[[str], Lives]]:
    made = []

    def make(source: str) -> Lives:
        made.append(Lives(command, python, tmp_path, source))
        return made[-1]

    yield make
    for process in (process for life in made for process in life.running):
        process.kill()
        process.wait()


def test_a_truncated_snapshot_is_65_and_stays(lives: Callable[[str], Lives]) -> None:
    life = lives(COUNT)
    good = life.suspended()
    for size in (0, 7, 8, 63, 64, len(good) // 2, len(good) - 1):
        life.snapshot.write_bytes(good[:size])
        for words in (life.words("1")[1:], ["resume", "life.snap"], ["inspect", "life.snap"]):
            life.is_refused(life.call(*words), 65)
        assert life.snapshot.read_bytes() == good[:size]
    life.snapshot.write_bytes(good)
    life.finish()


def test_a_flipped_bit_is_65_and_stays(lives: Callable[[str], Lives]) -> None:
    life = lives(COUNT)
    good = life.suspended()
    for bit in random.Random(1).sample(range(len(good) * 8), 40):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        life.snapshot.write_bytes(bad)
        life.is_refused(life.call(*life.words("1")[1:]), 65)
        assert life.snapshot.read_bytes() == bad
    life.snapshot.write_bytes(good)
    life.finish()


def test_a_snapshot_of_another_python_is_78_and_stays(lives: Callable[[str], Lives]) -> None:
    life = lives(COUNT)
    others = [other for other in found_pythons() if other.suffix != life.python.suffix]
    if not others:
        pytest.skip("needs two Pythons")
    good = life.suspended()
    for other in others:
        done = life.call("resume", "life.snap", "--python", other.executable)
        assert life.python.version in life.is_refused(done, 78)
    assert life.snapshot.read_bytes() == good
    life.finish()


def test_a_snapshot_of_another_program_is_a_usage_error(lives: Callable[[str], Lives]) -> None:
    life = lives(COUNT)
    good = life.suspended()
    assert "other arguments" in life.is_refused(life.call(*life.words("2")[1:]), 2)
    (life.folder / "other.py").write_text("print('other')")
    words = ["run", "--snapshot", "life.snap", "other.py", "1"]
    assert "another program" in life.is_refused(life.call(*words), 2)
    assert life.snapshot.read_bytes() == good
    fresh = life.call("run", "--fresh", "--python", life.python.executable, *words[1:])
    assert (fresh.returncode, fresh.stdout) == (0, "other\n")


def test_a_snapshot_that_runs_again_is_not_started_twice(lives: Callable[[str], Lives]) -> None:
    life = lives(COUNT)
    life.suspended()
    process = life.start("1")
    life.wait_for_lines(10)
    for words in (life.words("1")[1:], ["resume", "life.snap"]):
        assert f"process {process.pid}" in life.is_refused(life.call(*words), 2)
    assert process.wait(30) == 0


def test_a_size_limit_leaves_program_and_snapshot(lives: Callable[[str], Lives]) -> None:
    life = lives(COUNT)
    good = life.suspended(4000)
    limited = life.start(
        "4000", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    )
    life.wait_for_lines(10)
    limited.send_signal(signal.SIGTERM)
    assert "File too large" in life.complaint()
    assert limited.poll() is None
    assert life.snapshot.read_bytes() == good
    assert limited.wait(30) == 0
    assert life.lines() == [*ALL, str(256 * 4000)]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to mount")
def test_a_full_disk_leaves_program_and_snapshot(lives: Callable[[str], Lives]) -> None:
    life = lives(COUNT)
    disk = life.folder / "disk"
    disk.mkdir()
    life.snapshot = disk / "life.snap"
    script = f'mount -t tmpfs -o size=400k none {disk} && exec "$@"'
    words = ["unshare", "-m", "sh", "-c", script, "sh", *life.words("500")]
    with life.out.open("wb") as out, life.err.open("wb") as err:
        process = subprocess.Popen(words, cwd=life.folder, stdout=out, stderr=err)
    life.running.append(process)
    life.wait_for_lines(5)
    inside = Path(f"/proc/{process.pid}/root{disk}")
    process.send_signal(signal.SIGUSR1)
    life.wait_for((inside / "life.snap").exists)
    good = (inside / "life.snap").read_bytes()
    (inside / "filler").write_bytes(bytes(200_000))
    process.send_signal(signal.SIGTERM)
    assert "No space left" in life.complaint()
    assert process.poll() is None
    assert (inside / "life.snap").read_bytes() == good
    assert [path.name for path in inside.iterdir() if path.name.startswith(".")] == []
    assert process.wait(30) == 0
    assert life.lines() == [*ALL, str(256 * 500)]


def test_kill_9_while_writing_leaves_a_whole_snapshot(lives: Callable[[str], Lives]) -> None:
    life = lives(
        "import time\nballast = bytearray(3_000_000)\nwhile True:\n    time.sleep(0.001)\n"
    )
    moments = random.Random(2)
    for round_ in range(34):  # on each of three Pythons
        process = life.start()
        assert held(process.pid)
        if round_ > 0:
            time.sleep(0.1)  # most moments are to be ones of writing, not of starting
        process.send_signal(signal.SIGUSR1)
        if round_ == 0:
            life.wait_for(life.snapshot.exists)
        time.sleep(moments.uniform(0, 0.02))
        process.kill()
        process.wait()
        done = life.call("inspect", "--json", "life.snap")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["target"] == "script"
    assert len(list(life.folder.glob(".elsewhere-*"))) <= 1


def held(pid: int) -> bool:
    """Waits until the process holds SIGTERM back, as it does from its first instruction on."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        status = Path(f"/proc/{pid}/status").read_text()
        mask = next(line for line in status.splitlines() if line.startswith("SigBlk:"))
        if int(mask.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return True
    return False


def test_sigterm_in_the_first_millisecond_suspends(lives: Callable[[str], Lives]) -> None:
    life = lives(COUNT)
    for _ in range(3):
        process = life.start("1")
        assert held(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 75, life.err.read_text()
        assert life.snapshot.exists()
    life.finish()


def test_what_cannot_be_captured_is_named_and_goes_on(lives: Callable[[str], Lives]) -> None:
    life = lives(STUCK)
    process = life.start(options=("--grace", "300ms"))
    life.wait_for_lines(1)
    process.send_signal(signal.SIGTERM)
    complaint = life.complaint()
    assert "cannot leave" in complaint and "iterencode (" in complaint
    assert "/json/encoder.py:" in complaint
    assert process.wait(30) == 0
    assert life.lines() == ["started", '["Abc"]']
    assert not life.snapshot.exists()


def test_what_cannot_be_captured_is_64_for_who_asked(lives: Callable[[str], Lives]) -> None:
    life = lives(STUCK)
    process = life.start(options=("--grace", "200ms"))
    life.wait_for_lines(1)
    assert "iterencode" in life.is_refused(life.call("suspend", str(process.pid)), 64)
    assert process.wait(30) == 0
    assert life.lines() == ["started", '["Abc"]']


UNKEEPABLE = """
import socket, time
pool = [1, socket.socketpair()]
print("started", flush=True)
time.sleep(2)
print("end")
"""


def test_an_object_that_cannot_be_kept_is_named_and_the_program_goes_on(
    lives: Callable[[str], Lives],
) -> None:
    life = lives(UNKEEPABLE)
    process = life.start(options=("--grace", "200ms"))
    life.wait_for_lines(1)
    refused = life.is_refused(life.call("suspend", str(process.pid)), 64)
    assert "'pool'" in refused or ".pool" in refused
    process.send_signal(signal.SIGTERM)
    assert "pool" in life.complaint()
    assert process.wait(30) == 0
    assert life.lines() == ["started", "end"]
    assert not life.snapshot.exists()


def test_a_second_sigterm_within_the_grace_ends_the_program(lives: Callable[[str], Lives]) -> None:
    life = lives(STUCK)
    process = life.start(options=("--grace", "30s"))
    life.wait_for_lines(1)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == -signal.SIGTERM


def test_sigterm_while_writing_suspends_all_the_same(lives: Callable[[str], Lives]) -> None:
    life = lives(COUNT)
    moments = random.Random(3)
    for seen in (5, 10, 15, 20):
        process = life.start("40000")
        life.wait_for_lines(seen)
        process.send_signal(signal.SIGUSR1)
        time.sleep(moments.uniform(0, 0.02))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 75, life.err.read_text()
    life.finish(40000)
