"""A program run on and on with suspends at random moments, and what comes of it."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lives import JIT, Hung, Outcome, Run, in_lives, in_one_life, masked

ROOT = Path(__file__).resolve().parent.parent.parent
SUSPENDS_PER_RUN = 9  # on average what is left halves every time: after that it is too short
GUARDS = Path(__file__).parent / "guards"
GRACE = 2.0  # seconds, or half a run: a refusal is to be seen before the program ends


@dataclass(frozen=True)
class Program:
    """What is run: arguments(rounds) after the interpreter."""

    name: str
    script: Path
    before: tuple[str, ...] = ()  # between the script and its number of rounds
    after: tuple[str, ...] = ()
    rounds: bool = True  # whether it takes a number of them
    environment: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, rounds: int) -> tuple[str, ...]:
        number = (str(rounds),) if self.rounds else ()
        return (str(self.script), *self.before, *number, *self.after)


def guarded(program: Program) -> Program:
    """With CPython's debug allocator, and a garbage collection at every chance, in every life."""
    found = program.environment.get("PYTHONPATH")
    path = f"{GUARDS}:{found}" if found else str(GUARDS)
    guards = {"PYTHONMALLOC": "debug", "PYTHONPATH": path}
    return replace(program, environment={**program.environment, **guards})


def compiled(program: Program) -> Program:
    """With CPython's just-in-time compiler in every life."""
    return replace(program, environment={**program.environment, **JIT})


@dataclass(frozen=True)
class Subject:
    """A program with its arguments on one Python, its plain outcome and how long that took."""

    program: Program
    version: str
    python: str
    arguments: tuple[str, ...]
    plain: Outcome
    seconds: float


@dataclass
class Tally:
    """What happened to one subject, or to all those of one Python."""

    runs: int = 0
    suspends: int = 0
    unborn: int = 0
    seconds: float = 0.0
    refusals: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.runs += other.runs
        self.suspends += other.suspends
        self.unborn += other.unborn
        self.seconds += other.seconds
        self.refusals += other.refusals
        self.differences += other.differences
        self.crashes += other.crashes
        self.hangs += other.hangs

    @property
    def failures(self) -> list[str]:
        return self.differences + self.crashes + self.hangs


def find_pythons(only: list[str]) -> dict[str, str]:
    """version → executable"""
    listed = subprocess.run(
        [sys.executable, str(ROOT / "tools/find_pythons"), *(p for p in only if "/" in p)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for line in listed.stdout.splitlines():
        version, executable, *_ = line.split(";")
        if not only or "/" in "".join(only) or version in only:
            found[version] = executable
    return found


def measured(
    program: Program, python: str, arguments: tuple[str, ...], folder: Path
) -> tuple[Outcome, float]:
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    outcome = in_one_life([python, *arguments], folder, program.environment)
    return masked(outcome), time.monotonic() - began


def prepare(program: Program, version: str, python: str, target: float, folder: Path) -> Subject:
    """Finds the number of rounds that takes about `target` seconds, and runs that plainly."""
    place = folder / "plain"
    rounds = 1
    plain, once = measured(program, python, program.arguments(1), place)
    if program.rounds and once < target:
        _, more = measured(program, python, program.arguments(6), place)
        # On a busy machine the difference may be noise: a round is not believed to be that short.
        rounds = max(1, round(target / max((more - once) / 5, more / 60)))
    arguments = program.arguments(rounds)
    plain, seconds = measured(program, python, arguments, place)
    return Subject(program, version, python, arguments, plain, seconds)


def moments(
    generator: random.Random, seconds: float, limit: int
) -> Callable[[float], float | None]:
    drawn = 0

    def next_delay(lived: float) -> float | None:
        nonlocal drawn
        drawn += 1
        left = seconds - lived
        if drawn > limit or left < 0.005:
            return None
        if generator.random() < 0.1:
            return generator.uniform(0, 0.02)
        return generator.uniform(0, left)

    return next_delay


def refusal_kind(message: str) -> str:
    """The message without the parts that vary from one refusal to the next."""
    return re.sub(r"\d+", "#", message)[:160]


def torture(
    subject: Subject, wanted: int, command: str, seed: str, folder: Path, end: float
) -> Tally:
    """Runs until `wanted` suspends have happened; keeps the folders of failed runs only."""
    tally = Tally()
    program = subject.program
    began = time.monotonic()
    seconds = subject.seconds  # of a run: less, once the machine is less busy than it was
    while tally.suspends < wanted and time.monotonic() < end:
        tally.runs += 1
        generator = random.Random(f"{seed} {program.name} {subject.version} {tally.runs}")
        place = folder / f"run{tally.runs}"
        limit = min(SUSPENDS_PER_RUN, wanted - tally.suspends)
        options = [
            "--grace",
            f"{min(GRACE, subject.seconds / 2):.2f}s",
            "--python",
            subject.python,
            "--snapshot",
            str(place / "program.snap"),
        ]
        label = f"{subject.version} {program.name} ({place})"
        try:
            run = in_lives(
                [command, "run", *options, *subject.arguments],
                place,
                moments(generator, seconds, limit),
                program.environment,
                patience=subject.seconds * 10 + 30,
            )
        except Hung as hung:
            tally.hangs.append(f"{label}: {hung}")
            break
        judge(run, subject, label, tally)
        if tally.failures:
            break
        shutil.rmtree(place)
        if run.suspends == 0:
            seconds = min(seconds, run.lived)
            if tally.runs > 2 * wanted + 10:
                break  # it ends before it can be suspended: fewer suspends, which the table shows
    tally.seconds = time.monotonic() - began
    return tally


def judge(run: Run, subject: Subject, label: str, tally: Tally) -> None:
    tally.suspends += run.suspends
    tally.unborn += run.unborn
    tally.refusals.update(map(refusal_kind, refusals(run.messages)))
    differences = subject.plain.differences(masked(run))
    if (run.code < 0 or run.code == 70) and run.code != subject.plain.code:
        tally.crashes.append(f"{label}: ended with {run.code} after {run.suspends} suspends")
    elif differences:
        tally.differences.append(f"{label}: {'; '.join(differences)}; {run.messages[-2:]}")


def refusals(messages: list[str]) -> list[str]:
    """What was said, without hints and the assurance that the program goes on."""
    aside = ("hint: ", "elsewhere: no snapshot was written")
    return [message for message in messages if not message.startswith(aside)]


def print_table(tallies: dict[str, Tally], wanted: int) -> None:
    heads = ["suspends", "runs", "refusals", "unborn", "differ", "crashes", "hangs", "seconds"]
    print(f"\n{'Python':8}" + "".join(f"{head:>10}" for head in heads))
    for version, tally in tallies.items():
        cells: list[float] = [tally.suspends, tally.runs, tally.refusals.total(), tally.unborn]
        cells += [len(tally.differences), len(tally.crashes), len(tally.hangs)]
        row = "".join(f"{cell:>10}" for cell in cells)
        short = "" if tally.suspends >= wanted else f"   short of {wanted}"
        print(f"{version:8}{row}{tally.seconds:>10.1f}{short}")
    for version, tally in tallies.items():
        for kind, count in tally.refusals.most_common():
            print(f"said on {version}, {count} times: {kind}")
        for failure in tally.failures:
            print(f"FAILED {failure}")
