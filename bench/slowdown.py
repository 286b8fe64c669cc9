"""Run time under `elsewhere run` against plain Python, in interleaved rounds."""

from __future__ import annotations

from timing import PROGRAMS, Row, Tools, output, spread

KINDS = ["loop", "calls", "text", "generators", "objects"]
SECONDS = 0.4
GOAL = 1.01


def rounds_for(tools: Tools, program: str, kind: str) -> str:
    tried = 20
    return str(
        max(1, round(tried * SECONDS / float(output([tools.python, program, kind, str(tried)]))))
    )


def measure(tools: Tools, rounds: int) -> list[Row]:
    program = str(PROGRAMS / "work.py")
    rows = []
    everything = []
    for kind in KINDS:
        work = [program, kind, rounds_for(tools, program, kind)]
        ratios: list[float] = []
        ours: list[float] = []
        plain: list[float] = []
        for turn in range(rounds):
            # Each goes first in every other round: whatever drifts meets both.
            for mine in (turn % 2 == 0, turn % 2 == 1):
                command = tools.run(*work) if mine else [tools.python, *work]
                (ours if mine else plain).append(float(output(command)))
            ratios.append(ours[-1] / plain[-1])
        everything += ratios
        rows.append(row(f"work under `run`: {kind}", ratios, ours, plain))
    low, middle, high = spread(everything)
    ratio = f"{middle:.3f} ({low:.3f}-{high:.3f})"
    rows.append(Row("work under `run`: all kinds", "", "", ratio, "<= 1.01", middle <= GOAL))
    return rows


def row(what: str, ratios: list[float], ours: list[float], plain: list[float]) -> Row:
    low, middle, high = spread(ratios)
    mine, reference = spread(ours)[1], spread(plain)[1]
    ratio = f"{middle:.3f} ({low:.3f}-{high:.3f})"
    return Row(what, f"{mine * 1e3:.0f} ms", f"{reference * 1e3:.0f} ms", ratio)
