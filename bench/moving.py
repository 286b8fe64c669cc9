"""A program that moves, and the way there: against pyteleport, execnet, and the bare stream."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from peers import Peer, plain_environment
from timing import PROGRAMS, Row, Tools, spread

ROOT = Path(__file__).resolve().parent.parent
NESTED = str(ROOT / "examples/nested.py")
MEGABYTES = 100


def ssh_server() -> ModuleType:
    """Of the tests: a throw-away server on a loopback port."""
    found = importlib.util.spec_from_file_location("sshd", ROOT / "tests/remote/sshd.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


class Bench:
    """Runs commands in the environment of a user, and says how long they took in seconds."""

    def __init__(self, tools: Tools) -> None:
        self.python = tools.python
        self.environment = plain_environment(sysconfig.get_path("platlib"))

    def output(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def whole(self, *command: str) -> float:
        began = time.perf_counter()
        self.output(*command)
        return time.perf_counter() - began

    def told(self, *command: str) -> float:
        return float(self.output(*command))


# Receives so many bytes and has them.
RECEIVE = "import sys; n = sys.stdin.buffer.raw.readinto; v = memoryview(bytearray({size}))"
RECEIVE += "\nwhile v and (got := n(v)): v = v[got:]"


def pump(source: Path, *sink: str) -> float:
    """A file in memory into a command's stdin, and to its end."""
    began = time.perf_counter()
    with source.open("rb") as file, subprocess.Popen(["cat"], stdin=file, stdout=-1) as cat:
        subprocess.run(sink, stdin=cat.stdout, check=True, timeout=120)
    return time.perf_counter() - began


def interleaved(rounds: int, ways: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()  # compiles modules, sends engines, opens connections
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(way())
    return times


def row(
    times: dict[str, list[float]],
    what: str,
    ours: str,
    theirs: str,
    name: str,
    goal: float,
    unit: float = 1e3,
    floor: str = "bare",
) -> Row:
    """`goal`: at most that part of theirs."""

    def shown(key: str) -> str:
        low, middle, high = spread(times[key])
        letters = {1e3: "ms", 1e6: "µs"}[unit]
        return f"{middle * unit:.1f} {letters} ({low * unit:.1f}-{high * unit:.1f})"

    floor_text = f" | bare start {spread(times[floor])[1] * 1e3:.1f} ms" if floor else ""
    if theirs not in times:
        return Row(what, shown(ours), name + floor_text, "", f"<= {goal:g}")
    ratio = spread(times[ours])[1] / spread(times[theirs])[1]
    reference = f"{shown(theirs)} {name}{floor_text}"
    return Row(what, shown(ours), reference, f"{ratio:.2f}", f"<= {goal:g}", ratio <= goal)


def carried(times: dict[str, list[float]], what: str, ours: str, raw: str, least: float) -> Row:
    """Throughput against that of the bare stream; at least `least` of it."""

    def speed(key: str) -> float:
        return MEGABYTES / spread(times[key])[1]

    ratio = speed(ours) / speed(raw)
    return Row(
        what,
        f"{speed(ours):.0f} MB/s",
        f"{speed(raw):.0f} MB/s bare stream",
        f"{ratio:.2f}",
        f">= {least:g}",
        ratio >= least,
    )


def measure(tools: Tools, rounds: int) -> list[Row]:
    bench = Bench(tools)
    python = tools.python
    version = bench.output(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    version = version.strip()
    theirs = str(PROGRAMS / "nested_pyteleport.py")
    teleporting = Peer("pyteleport", python, version, [theirs])
    execnet = Peer("execnet", python, version, ["-c", "import execnet"])
    load = os.getloadavg()[0]

    server = ssh_server()
    with tempfile.TemporaryDirectory(prefix="bench-ssh.") as folder:
        # What a login's profile does is not measured: its home is empty.
        home = Path(folder, "home")
        home.mkdir()
        server.start(Path(folder), {"HOME": str(home)})
        try:
            rows = measure_with(bench, tools, rounds, teleporting, execnet, Path(folder))
        finally:
            server.stop(Path(folder))
    rows.append(Row("load of the machine", f"{load:.1f}", f"{os.getloadavg()[0]:.1f} after", ""))
    return rows


def measure_with(
    bench: Bench, tools: Tools, rounds: int, teleporting: Peer, execnet: Peer, folder: Path
) -> list[Row]:
    python = tools.python
    config = folder / "ssh_config_reused"
    far = f"ssh=far//ssh_config={config}//python={python}"
    far_of_theirs = f"ssh=-F {config} far//python={execnet.python}"
    data = tools.folder / "data"
    data.write_bytes(os.urandom(1 << 20) * MEGABYTES)
    receive = RECEIVE.format(size=data.stat().st_size)
    quoted = shlex.quote(receive)
    carrying, gateway = str(PROGRAMS / "carrying.py"), str(PROGRAMS / "gateway.py")

    def start_of(peer: str, interpreter: str, what: str, spec: str) -> Callable[[], float]:
        return lambda: bench.told(interpreter, gateway, peer, what, spec)

    ways: dict[str, Callable[[], float]] = {
        "bare": lambda: bench.whole(python, "-c", "pass"),
        "nested": lambda: bench.whole(python, NESTED, "popen"),
        "nested ssh": lambda: bench.whole(python, NESTED, far),
        "echo": start_of("elsewhere", python, "start", "popen"),
        "echo ssh": start_of("elsewhere", python, "start", far),
        "trip": start_of("elsewhere", python, "trip", "popen"),
        "carry": lambda: bench.told(python, carrying, "popen", str(MEGABYTES)),
        "pipe": lambda: pump(data, python, "-c", receive),
        "carry ssh": lambda: bench.told(python, carrying, far, str(MEGABYTES)),
        "ssh": lambda: pump(data, "ssh", "-F", str(config), "far", f"{python} -c {quoted}"),
        "ssh true": lambda: bench.whole("ssh", "-F", str(config), "far", f"{python} -c pass"),
    }
    if teleporting.python:
        words = (teleporting.python, str(PROGRAMS / "nested_pyteleport.py"))
        ways["their nested"] = lambda: bench.whole(*words)
    if execnet.python:
        ways["their echo"] = start_of("execnet", execnet.python, "start", "popen")
        ways["their echo ssh"] = start_of("execnet", execnet.python, "start", far_of_theirs)
        ways["their trip"] = start_of("execnet", execnet.python, "trip", "popen")
    times = interleaved(rounds, ways)
    name = execnet.name
    return [
        row(times, "teleport to a process here", "nested", "their nested", teleporting.name, 0.3),
        row(times, "teleport over ssh", "nested ssh", "ssh true", "`ssh HOST python -c pass`", 3),
        row(times, "gateway to first echo, popen", "echo", "their echo", name, 0.4),
        row(times, "gateway to first echo, ssh", "echo ssh", "their echo ssh", name, 0.35),
        row(times, "round trip of an int", "trip", "their trip", name, 0.2, 1e6, ""),
        carried(times, f"teleport with {MEGABYTES} MB, popen", "carry", "pipe", 0.7),
        carried(times, f"teleport with {MEGABYTES} MB, ssh", "carry ssh", "ssh", 0.7),
    ]
