"""What the measurements share: running a command, and a row of the table."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Tools:
    """The command under test, and the interpreter that it and the reference run."""

    command: str
    python: str
    folder: Path

    def run(self, *words: str) -> list[str]:
        return [self.command, "run", "--python", self.python, *words]


@dataclass(frozen=True)
class Row:
    """One line of the table: a measurement, what it is compared with, and the goal."""

    what: str
    ours: str
    reference: str
    ratio: str
    goal: str = ""
    reached: bool | None = None
    floor: str = ""  # what the kernel, or CPython alone, needs for the same
    mitogen: str = ""  # what that library needs for the same

    def cells(self) -> list[str]:
        verdict = {None: "", True: "ok", False: "short"}[self.reached]
        return [
            self.what, self.ours, self.reference, self.ratio, self.goal, verdict, self.floor,
            self.mitogen,
        ]  # fmt: skip


def output(command: Sequence[str], code: int = 0) -> str:
    """The command's standard output; a failure of the command ends the measurement."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != code:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def seconds(command: Sequence[str], code: int = 0) -> float:
    began = time.perf_counter()
    output(command, code)
    return time.perf_counter() - began


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high
