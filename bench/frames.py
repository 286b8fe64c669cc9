"""Microseconds per frame: the same program at 1,000 frames and at one, so that the rest cancels."""

from __future__ import annotations

import statistics

from timing import PROGRAMS, Row, Tools, output, seconds

DEPTH = 1000
TIMES = 15
CAPTURE_GOAL = 5.0
RESTORE_GOAL = 3.0


def measure(tools: Tools, rounds: int) -> list[Row]:
    captured: dict[int, list[float]] = {1: [], DEPTH: []}
    resumed: dict[int, list[float]] = {1: [], DEPTH: []}
    for _ in range(rounds):
        for depth in captured:
            file = str(tools.folder / f"depth{depth}.snap")
            program = str(PROGRAMS / "deep.py")
            lines = output(tools.run(program, str(depth), str(TIMES), file)).split()
            captured[depth].append(statistics.median([float(line) for line in lines]))
            for _ in range(3):
                resumed[depth].append(seconds([tools.command, "resume", file]))
    capture = per_frame(captured)
    restore = per_frame(resumed)
    return [
        row("capture and write, per frame at 1,000", capture, captured, CAPTURE_GOAL),
        row("read and restore, per frame at 1,000", restore, resumed, RESTORE_GOAL),
    ]


def per_frame(times: dict[int, list[float]]) -> float:
    """In microseconds. The minimum of each: what disturbs only ever adds."""
    return (min(times[DEPTH]) - min(times[1])) / (DEPTH - 1) * 1e6


def row(what: str, value: float, times: dict[int, list[float]], goal: float) -> Row:
    one = f"{min(times[1]) * 1e3:.1f} ms at 1"
    return Row(what, f"{value:.2f} µs", one, "", f"<= {goal:.0f} µs", value <= goal)
