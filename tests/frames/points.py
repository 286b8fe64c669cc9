"""Suspends a program at every point there is: at each in a run of its own, or in one chain.

A point is an instant at which CPython answers a signal: the start of a call or of a turn of a loop,
the end of a call of C code, C code that waits. The engine finds them itself
(`python/bindings/points.cpp`) and lists them in a file, one line each: what it is, and behind a tab
`passed`, or a second line with `refused: …`.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lives import Hung, Outcome, Run, in_lives, masked


@dataclass(frozen=True)
class Choice:
    """Which points: the first `times` at the same place, and every n-th of those."""

    times: int = 1
    every: int = 1
    most: int = 1_000_000  # where each gets a run of its own

    def settings(self, file: Path) -> dict[str, str]:
        return {"ELSEWHERE_TEST_POINTS": f"{self.times} {self.every} {file}"}


@dataclass
class Tour:
    """What came of a program's points."""

    points: int = 0  # suspended at and resumed
    passed: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tour) -> None:
        self.points += other.points
        self.passed += other.passed
        self.refusals += other.refusals
        self.failures += other.failures


def listed(file: Path) -> list[tuple[str, str]]:
    """(place, verdict)"""
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    return [(place, verdict) for place, _, verdict in (line.partition("\t") for line in lines)]


def left_at(file: Path) -> list[str]:
    """The places at which the program was suspended, in order."""
    lines = listed(file)
    others = {place for place, verdict in lines if verdict}
    return [place for place, _ in lines if place not in others]


def kind_of(refusal: str) -> str:
    """The reason without the place and without what it is about."""
    reason = re.sub(r"^refused: (cannot leave .*?:\d+\): )?", "", refusal)
    return re.sub(r"'[^']*'|\d+", "#", reason)[:120]


def count(file: Path, tour: Tour) -> None:
    for _, verdict in listed(file):
        if verdict == "passed":
            tour.passed += 1
        elif verdict:
            tour.refusals[kind_of(verdict)] += 1


def in_a_chain(
    command: Callable[[Path], Sequence[str]],
    plain: Outcome,
    folder: Path,
    environment: Mapping[str, str],
    choice: Choice = Choice(),
    patience: float = 60,
) -> Tour:
    """One run in as many lives as it has points: each life ends at the next one.

    `command` says how to run the program with a snapshot file.
    """
    tour = Tour()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "points"
    try:
        settings = {**environment, **choice.settings(file)}
        run = in_lives(command(folder / "snap"), folder / "lives", None, settings, patience)
    except Hung as hung:
        tour.failures.append(f"{hung} ({folder})")
    else:
        tour.points = run.suspends
        complain(tour, plain, run, folder / "lives", [*left_at(file), "no point"][-1:])
    count(file, tour)
    return tour


def each_alone(
    command: Callable[[Path], Sequence[str]],
    plain: Outcome,
    folder: Path,
    environment: Mapping[str, str],
    choice: Choice = Choice(),
    patience: float = 60,
) -> Tour:
    """A run for each point, in two lives."""
    tour = Tour()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "points"
    while tour.points < choice.most:
        place = folder / f"run{tour.points}"
        known = len(left_at(file))
        try:
            words = command(place / "snap")
            run = in_lives(words, place, None, environment, patience, choice.settings(file))
        except Hung as hung:
            tour.failures.append(f"at {left_at(file)[known:]}: {hung} ({place})")
            tour.points += 1
            continue
        complain(tour, plain, run, place, left_at(file)[known:])
        if run.suspends == 0:
            break
        tour.points += 1
    count(file, tour)
    return tour


def complain(tour: Tour, plain: Outcome, run: Run, folder: Path, places: list[str]) -> None:
    """Adds what is different; removes the folder of a run that was as it should be."""
    differences = plain.differences(masked(run))
    if not differences:
        shutil.rmtree(folder)
        return
    said = run.stderr.decode(errors="replace").strip().splitlines()[-1:]
    where = f"at {', '.join(places)}, ended with {run.code}"
    tour.failures.append(
        f"{where}: {'; '.join(differences)}; {run.messages[-2:]} {said} ({folder})"
    )
