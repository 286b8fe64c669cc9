"""Microseconds per frame at 1,000 frames: reading the stack, rebuilding it, and a whole snapshot.

The first two are measured inside the process; of the whole snapshot (objects, file, fsync) what it
takes with one frame is subtracted.
"""

from __future__ import annotations

import statistics

from timing import PROGRAMS, Row, Tools, output

DEPTH = 1000
TIMES = 15
CAPTURE_GOAL = 2.0
RESTORE_GOAL = 2.0


def measure(tools: Tools, rounds: int) -> list[Row]:
    whole: dict[int, list[float]] = {1: [], DEPTH: []}
    captured: list[float] = []
    rebuilt: list[float] = []
    for _ in range(rounds):
        for depth in whole:
            file = str(tools.folder / f"depth{depth}.snap")
            program = str(PROGRAMS / "deep.py")
            lines = output(tools.run(program, str(depth), str(TIMES), file)).split()
            whole[depth].append(statistics.median([float(line) for line in lines]))
        file = str(tools.folder / "frames.snap")
        program = str(PROGRAMS / "frames.py")
        captured.append(float(output(tools.run(program, str(DEPTH), file))))
        rebuilt.append(float(output([tools.command, "resume", file])))
    return [
        row("capture the stack, per frame", statistics.median(captured) / DEPTH, CAPTURE_GOAL),
        row("rebuild the stack, per frame", statistics.median(rebuilt) / DEPTH, RESTORE_GOAL),
        Row("whole snapshot, per frame", f"{per_frame(whole):.2f} µs", "", "", "", None),
    ]


def per_frame(times: dict[int, list[float]]) -> float:
    """In microseconds. The minimum of each: what disturbs only ever adds."""
    return (min(times[DEPTH]) - min(times[1])) / (DEPTH - 1) * 1e6


def row(what: str, seconds: float, goal: float) -> Row:
    value = seconds * 1e6
    return Row(what, f"{value:.2f} µs", "", "", f"<= {goal:.0f} µs", value <= goal)
