"""Runs a program in one life, or in several: suspended and continued until it ends.

Each run gets a folder of its own with `work/` (the program's cwd), `stdout`, `stderr` and the
snapshot; what the lives of one run write there is what a single life writes.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SUSPENDED = 75
OURS = (b"elsewhere: ", b"error: ", b"hint: ", b"note: ")
ADDRESS = re.compile(rb"0x[0-9a-f]{6,}")


def needs(program: Path) -> tuple[int, ...]:
    """The Python version that a program's first line asks for: `# needs Python 3.14`."""
    first = program.read_text().splitlines()[0]
    asked = first.removeprefix("# needs Python ")
    return () if asked == first else tuple(int(part) for part in asked.split("."))


JIT = {"PYTHON_JIT": "1"}


@cache
def has_jit(executable: str) -> bool:
    """Whether this interpreter was built with CPython's just-in-time compiler."""
    code = "import sys; sys.exit(not getattr(sys, '_jit', None) or not sys._jit.is_enabled())"
    return subprocess.run([executable, "-c", code], env=JIT, check=False).returncode == 0


class Hung(Exception):
    """A life that took far longer than it can need; it was killed."""


@dataclass
class Outcome:
    """How a program ended and everything it left behind."""

    code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)

    def differences(self, other: Outcome) -> list[str]:
        """What is not the same in `other`, one sentence each."""
        found = []
        if self.code != other.code:
            found.append(f"exit code {self.code} became {other.code}")
        for name in ("stdout", "stderr"):
            found += difference(name, getattr(self, name), getattr(other, name))
        for name in sorted(self.files.keys() | other.files.keys()):
            if name not in self.files or name not in other.files:
                found.append(f"{name} is only there in one of the runs")
            else:
                found += difference(name, self.files[name], other.files[name])
        return found


@dataclass
class Run(Outcome):
    """An Outcome of several lives, and what happened to them."""

    suspends: int = 0
    unborn: int = 0  # SIGTERM met the process before its main(): nothing had begun, nothing is lost
    lived: float = 0.0  # seconds, all lives together
    messages: list[str] = field(default_factory=list)  # what elsewhere itself said on stderr


def difference(name: str, plain: bytes, other: bytes) -> list[str]:
    if plain == other:
        return []
    old, new = plain.splitlines(), other.splitlines()
    for number, (was, now) in enumerate(zip(old, new, strict=False), start=1):
        if was != now:
            return [f"{name} line {number}: {was[:120]!r} became {now[:120]!r}"]
    return [f"{name} has {len(plain)} bytes and {len(other)} with suspends"]


def masked(outcome: Outcome) -> Outcome:
    """Without the addresses of objects: no two runs have the same."""
    outcome.stdout = ADDRESS.sub(b"0x", outcome.stdout)
    outcome.stderr = ADDRESS.sub(b"0x", outcome.stderr)
    return outcome


def collect(outcome: Outcome, folder: Path) -> None:
    outcome.stdout = (folder / "stdout").read_bytes()
    outcome.stderr = (folder / "stderr").read_bytes()
    for path in sorted((folder / "work").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            outcome.files[str(path.relative_to(folder / "work"))] = path.read_bytes()


@contextlib.contextmanager
def life(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """One process, appending to the run's output; killed if it is left alive."""
    (folder / "work").mkdir(parents=True, exist_ok=True)
    with open(folder / "stdout", "ab") as stdout, open(folder / "stderr", "ab") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder / "work",
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Hung(f"still running after {seconds:.0f} s") from None


def in_one_life(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    patience: float = 120,
) -> Outcome:
    outcome = Outcome()
    with life(command, folder, environment or {}) as process:
        outcome.code = wait(process, patience)
    collect(outcome, folder)
    return outcome


def before_main(process: subprocess.Popen[bytes], command: str) -> bool:
    """Whether the command has not even begun: still its own executable, SIGTERM not yet blocked."""
    try:
        executable = os.readlink(f"/proc/{process.pid}/exe")
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return False
    blocked = next(line for line in status.splitlines() if line.startswith("SigBlk:"))
    is_blocked = int(blocked.split()[1], 16) >> (signal.SIGTERM - 1) & 1
    return executable == os.path.realpath(command) and not is_blocked


def in_lives(
    command: Sequence[str],
    folder: Path,
    next_delay: Callable[[float], float | None] | None = None,
    environment: Mapping[str, str] | None = None,
    patience: float = 120,
    of_the_first: Mapping[str, str] | None = None,
) -> Run:
    """The same command line again and again until its program has ended.

    next_delay(seconds lived so far) says when the next life gets its SIGTERM, None for never;
    without it the program suspends itself. `of_the_first` is the environment of one life alone.
    """
    run = Run()
    surroundings = {**(environment or {}), **(of_the_first or {})}
    while True:
        delay = next_delay(run.lived) if next_delay else None
        with life(command, folder, surroundings) as process:
            born = time.monotonic()
            early = False
            if delay is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(delay)
                if process.poll() is None:
                    early = before_main(process, command[0])
                    process.send_signal(signal.SIGTERM)
            run.code = wait(process, patience)
            run.lived += time.monotonic() - born
        surroundings = dict(environment or {})
        if run.code == SUSPENDED:
            run.suspends += 1
        elif run.code == -signal.SIGTERM and early:
            run.unborn += 1
        else:
            break
    collect(run, folder)
    theirs = []
    for line in run.stderr.splitlines(keepends=True):
        if line.startswith(OURS):
            run.messages.append(line.decode(errors="replace").rstrip())
        else:
            theirs.append(line)
    run.stderr = b"".join(theirs)
    return run
