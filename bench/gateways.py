"""Channels of gateways against execnet's, in interleaved rounds; medians.

"native": the engine carries both ends. "pure": the far end is pure Python, as where no engine fits.
execnet is installed from the package registry into an environment of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections import defaultdict
from pathlib import Path

from timing import PROGRAMS, Row, Tools, output, seconds

RUNS = {
    "native": ("elsewhere", "popen"),
    "pure": ("elsewhere", "popen//engine=no"),
    "execnet": ("execnet", "popen"),
    "pipe": ("pipe",),
}
Figures = dict[str, dict[str, float]]


def measure(tools: Tools, rounds: int) -> list[Row]:
    python = environment(tools)
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in RUNS}
    bare = []
    for _ in range(rounds):
        for name, words in RUNS.items():
            for what, value in json.loads(output([*python, *words])).items():
                found[name][what].append(value)
        bare.append(seconds([tools.python, "-c", "pass"]))
    figures = {
        name: {what: statistics.median(values) for what, values in rows.items()}
        for name, rows in found.items()
    }
    return rows_of(figures, statistics.median(bare))


def environment(tools: Tools) -> list[str]:
    """A Python with execnet and this elsewhere, and the program that measures."""
    folder = tools.folder / "execnet"
    subprocess.run([tools.python, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin/pip"), "install", "--quiet", "execnet"], check=True)
    asked = output([str(Path(tools.command).parent / "python"), "-c",
                    "import elsewhere; print(elsewhere.__path__[0])"])  # fmt: skip
    parent = str(Path(asked.strip()).parent)
    (place,) = folder.glob("lib/python*/site-packages")
    os.symlink(f"{parent}/elsewhere", place / "elsewhere")
    return [str(folder / "bin/python"), str(PROGRAMS / "gateways.py")]


def rows_of(figures: Figures, bare: float) -> list[Row]:
    theirs, pipe = figures["execnet"], figures["pipe"]["round trip"]
    rows = []
    for name in ("native", "pure"):
        ours = figures[name]
        late = ours["start"] - bare
        goal = "bare + 5 ms" if name == "native" else ""
        rows.append(
            Row(
                f"{name}: start and first echo",
                f"{ours['start'] * 1e3:.1f} ms",
                f"{theirs['start'] * 1e3:.1f} ms",
                f"{ours['start'] / theirs['start']:.2f}",
                goal,
                late <= 0.005 if goal else None,
            )
        )
        rows.append(time_row(name, ours["round trip"], theirs["round trip"], 0.2, "round trip"))
        for size, at_least, rate in (
            ("ints", 10.0, 1.5e6), ("1 KiB", 0.0, 5e5), ("64 KiB", 3.0, 0.0), ("16 MiB", 2.3, 0.0)
        ):  # fmt: skip
            for way in ("there", "back"):
                what = f"{size} {way}"
                rows.append(rate_row(name, what, ours[what], theirs[what], at_least, rate))
    ours = figures["native"]
    trip = ours["round trip"]
    rows.append(
        Row(
            "native: round trip against mp.Pipe",
            f"{trip * 1e6:.1f} µs",
            f"{pipe * 1e6:.1f} µs",
            f"{trip / pipe:.2f}",
            "< 1",
            trip < pipe,
        )  # fmt: skip
    )
    for what, most in (("dumps", 20e-9), ("loads", 35e-9)):
        rows.append(
            Row(
                f"{what}, per object",
                f"{ours[what] * 1e9:.0f} ns",
                f"{theirs[what] * 1e9:.0f} ns",
                f"{ours[what] / theirs[what]:.2f}",
                f"<= {most * 1e9:.0f} ns",
                ours[what] <= most,
            )  # fmt: skip
        )
    return rows


def time_row(name: str, ours: float, theirs: float, most: float, what: str) -> Row:
    most = most if name == "native" else 1.0
    ratio = ours / theirs
    return Row(f"{name}: {what}", f"{ours * 1e6:.1f} µs", f"{theirs * 1e6:.1f} µs",
               f"{ratio:.2f}", f"<= {most:g}", ratio <= most)  # fmt: skip


def rate_row(name: str, what: str, ours: float, theirs: float, at_least: float, rate: float) -> Row:
    """The goal is a multiple of theirs, or a rate; with pure Python, to be faster."""
    ratio = ours / theirs
    if name == "pure":
        at_least, rate = 1.0, 0.0
    goal = f">= {rate / 1e3:.0f} k/s" if rate else f">= {at_least:g}"
    reached = ours >= rate if rate else ratio >= at_least
    return Row(f"{name}: {what}", f"{ours / 1e3:.2f} k/s", f"{theirs / 1e3:.2f} k/s",
               f"{ratio:.1f}", goal, reached)  # fmt: skip
