"""Channels of gateways against execnet's, in interleaved rounds; medians.

"native": the engine carries both ends. "pure": the far end is pure Python, as where no engine fits.
"warm": forked from an interpreter that has started already; all others start one each.
"floor": what the kernel needs for it from a C++ program that copies bytes, or CPython alone: a bare
start, a bare fork, marshal.
execnet and mitogen are installed from the package registry into environments of their own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from peers import Peer
from timing import PROGRAMS, Row, Tools, output

RUNS = {
    "native": ("elsewhere", "popen//warm=no"),
    "pure": ("elsewhere", "popen//warm=no//engine=no"),
    "execnet": ("execnet", "popen"),
    "pipe": ("pipe",),
}
Figures = dict[str, dict[str, float]]


def measure(tools: Tools, rounds: int) -> list[Row]:
    python = environment(tools)
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in RUNS}
    floors: dict[str, list[float]] = defaultdict(list)
    of_kernel = compiled_floors(tools.folder)
    for _ in range(rounds):
        for name, words in RUNS.items():
            for what, value in json.loads(output([*python, *words])).items():
                found[name][what].append(value)
        for command in ([of_kernel], [tools.python, str(PROGRAMS / "floors.py")]):
            for what, value in json.loads(output(command)).items():
                floors[what].append(value)
    version = minor_of(tools.python)
    mitogen = Peer("mitogen", tools.python, version, ["-c", "import mitogen.master"])
    if not mitogen.name.endswith(f" on {version}"):  # figures of another Python say nothing
        mitogen.python, mitogen.name = "", f"does not work on {version}"
    few = max(3, rounds // 3)
    many = measure_many(python[0], mitogen, few)
    relay = measure_relay(python[0], few)
    figures = {
        name: {what: statistics.median(values) for what, values in rows.items()}
        for name, rows in found.items()
    }
    floor = {what: statistics.median(values) for what, values in floors.items()}
    rows = with_mitogen(rows_of(figures, floor), many["mitogen"])
    return rows + rows_of_many(figures, many, mitogen, floor) + rows_of_relay(relay, floor)


def compiled_floors(folder: Path) -> str:
    program = str(folder / "floors")
    source = str(PROGRAMS / "floors.cpp")
    subprocess.run(["c++", "-O2", "-std=c++20", "-o", program, source], check=True)
    return program


def minor_of(python: str) -> str:
    return output([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()


def measure_many(python: str, mitogen: Peer, rounds: int) -> Figures:
    """Of each library; a peer that does not work on this Python has no figures."""
    program = str(PROGRAMS / "many.py")
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds):
        for name, words in (
            ("elsewhere", [python]), ("execnet", [python]), ("mitogen", [mitogen.python])
        ):  # fmt: skip
            if not words[0]:
                continue
            time.sleep(0.5)  # the workers of the one before are still about to end
            done = subprocess.run([*words, program, name], capture_output=True, text=True)
            if done.returncode != 0 and name == "mitogen":
                last = (done.stderr.splitlines() or ["no word"])[-1]
                mitogen.name = f"{mitogen.name}: {last}"
                mitogen.python = ""
            elif done.returncode != 0:
                raise SystemExit(f"many.py {name} ended with {done.returncode}: {done.stderr}")
            else:
                for what, value in json.loads(done.stdout).items():
                    found[name][what].append(value)
    return {
        name: {what: statistics.median(values) for what, values in found[name].items()}
        for name in ("elsewhere", "execnet", "mitogen")
    }


def measure_relay(python: str, rounds: int) -> Figures:
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds):
        for name in ("elsewhere", "execnet"):
            said = output([python, str(PROGRAMS / "relay.py"), name])
            for what, value in json.loads(said).items():
                found[name][what].append(value)
    return {
        name: {what: statistics.median(values) for what, values in rows.items()}
        for name, rows in found.items()
    }


def rows_of_relay(found: Figures, floor: dict[str, float]) -> list[Row]:
    ours, theirs = found["elsewhere"], found["execnet"]
    hop, other = (each["leaf trip"] - each["near trip"] for each in (ours, theirs))
    rows = [
        Row("relay: a hop more, round trip", f"{hop * 1e6:.1f} µs", f"{other * 1e6:.1f} µs",
            f"{hop / other:.2f}", "<= 0.25", hop <= 0.25 * other, f"{floor['hop'] * 1e6:.1f} µs")
    ]  # fmt: skip
    for way in ("there", "back"):
        what = f"leaf {way}"
        rows.append(
            rate_row("relay", f"64 KiB {way}", ours[what], theirs[what], 4.0, 0.0,
                     floor["relayed 64 KiB"])
        )  # fmt: skip
    return rows


def with_mitogen(rows: list[Row], theirs: dict[str, float]) -> list[Row]:
    """The same rows; where mitogen has a figure, it is shown."""
    shown = {}
    if theirs:
        shown = {
            "native: start and first echo": f"{theirs['start'] * 1e3:.1f} ms",
            "native: round trip": f"{theirs['round trip'] * 1e6:.1f} µs",
        }
    return [replace(row, mitogen=shown.get(row.what, "")) for row in rows]


def rows_of_many(
    figures: Figures, many: Figures, mitogen: Peer, floor: dict[str, float]
) -> list[Row]:
    ours, theirs, other = many["elsewhere"], many["execnet"], many["mitogen"]
    absent = "" if other else mitogen.name
    rows = []
    for label, figure, reference, of_mitogen, unit, scale, most in (
        ("warm: start and first echo", "warm start", figures["execnet"]["start"], "warm start",
         "ms", 1e3, 0.003),
        ("100 workers, cold", "100 cold", theirs["100 cold"], "", "s", 1.0, 0.5),
        ("100 workers, warm", "100 warm", theirs["100 cold"], "100 warm", "s", 1.0, 0.08),
        ("PSS of one of 100", "pss", theirs["pss"], "pss", "MB", 1e-6, 3e6),
    ):  # fmt: skip
        rows.append(
            Row(
                label,
                f"{ours[figure] * scale:.2f} {unit}",
                f"{reference * scale:.2f} {unit}",
                f"{ours[figure] / reference:.3f}",
                f"<= {most * scale:g} {unit}",
                ours[figure] <= most,
                f"{floor[figure] * scale:.2f} {unit}",
                f"{other[of_mitogen] * scale:.2f} {unit}" if of_mitogen in other else absent,
            )
        )
    return rows


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


def rows_of(figures: Figures, floor: dict[str, float]) -> list[Row]:
    theirs, pipe = figures["execnet"], figures["pipe"]["round trip"]
    rows = []
    for name in ("native", "pure"):
        ours = figures[name]
        late = ours["start"] - floor["start"]
        goal = "bare + 5 ms" if name == "native" else ""
        rows.append(
            Row(
                f"{name}: start and first echo",
                f"{ours['start'] * 1e3:.1f} ms",
                f"{theirs['start'] * 1e3:.1f} ms",
                f"{ours['start'] / theirs['start']:.2f}",
                goal,
                late <= 0.005 if goal else None,
                f"{floor['start'] * 1e3:.1f} ms",
            )
        )
        rows.append(
            time_row(name, ours["round trip"], theirs["round trip"], 0.2, floor["round trip"])
        )
        for size, at_least, rate in (
            ("ints", 10.0, 1.5e6), ("1 KiB", 0.0, 5e5), ("64 KiB", 3.0, 0.0), ("16 MiB", 2.3, 0.0)
        ):  # fmt: skip
            for way in ("there", "back"):
                what = f"{size} {way}"
                rows.append(
                    rate_row(name, what, ours[what], theirs[what], at_least, rate, floor[size])
                )
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
            f"{floor['round trip'] * 1e6:.1f} µs",
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
                f"{floor[what] * 1e9:.0f} ns (marshal)",
            )  # fmt: skip
        )
    return rows


def time_row(name: str, ours: float, theirs: float, most: float, floor: float) -> Row:
    most = most if name == "native" else 1.0
    ratio = ours / theirs
    return Row(f"{name}: round trip", f"{ours * 1e6:.1f} µs", f"{theirs * 1e6:.1f} µs",
               f"{ratio:.2f}", f"<= {most:g}", ratio <= most, f"{floor * 1e6:.1f} µs")  # fmt: skip


def rate_row(
    name: str, what: str, ours: float, theirs: float, at_least: float, rate: float, floor: float
) -> Row:
    """The goal is a multiple of theirs, or a rate; with pure Python, to be faster."""
    ratio = ours / theirs
    if name == "pure":
        at_least, rate = 1.0, 0.0
    goal = f">= {rate / 1e3:.0f} k/s" if rate else f">= {at_least:g}"
    reached = ours >= rate if rate else ratio >= at_least
    return Row(f"{name}: {what}", per_second(ours), per_second(theirs), f"{ratio:.1f}", goal,
               reached, per_second(floor))  # fmt: skip


def per_second(rate: float) -> str:
    return f"{rate / 1e3:.1f} k/s" if rate >= 1e3 else f"{rate:.0f} /s"
