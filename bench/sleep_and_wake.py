"""End to end: SIGTERM to the end of the process, the command line to the program's next step."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from timing import PROGRAMS, Row, Tools, seconds, spread

SUSPENDED = 75


def suspended(tools: Tools, snapshot: Path, stop: Path) -> float:
    """Starts the program, suspends it once it is at work, and says how long that took."""
    ready = Path(f"{stop}.ready")
    for path in (snapshot, stop, ready):
        path.unlink(missing_ok=True)
    program = str(PROGRAMS / "waiting.py")
    with subprocess.Popen(tools.run("--snapshot", str(snapshot), program, str(stop))) as process:
        while not ready.exists():
            if process.poll() is not None:
                raise SystemExit(f"{program} ended with {process.returncode}")
            time.sleep(0.001)
        time.sleep(0.01)
        began = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
        took = time.perf_counter() - began
    if code != SUSPENDED:
        raise SystemExit(f"{program} ended with {code} instead of {SUSPENDED}")
    return took


def measure(tools: Tools, rounds: int) -> list[Row]:
    snapshot, stop = tools.folder / "waiting.snap", tools.folder / "stop"
    times: dict[str, list[float]] = {"suspend": [], "resume": [], "bare": [], "run": []}
    for _ in range(rounds):
        times["bare"].append(seconds([tools.python, "-c", "pass"]))
        times["run"].append(seconds(tools.run("-c", "pass")))
        times["suspend"].append(suspended(tools, snapshot, stop))
        stop.touch()
        times["resume"].append(seconds([tools.command, "resume", str(snapshot)]))
    times["both"] = [a + b for a, b in zip(times["suspend"], times["resume"], strict=True)]
    bare = spread(times["bare"])[1]

    def row(what: str, kind: str) -> Row:
        low, middle, high = spread(times[kind])
        ours = f"{middle * 1e3:.1f} ms ({low * 1e3:.1f}-{high * 1e3:.1f})"
        return Row(what, ours, f"{bare * 1e3:.1f} ms bare start", f"{middle / bare:.2f}")

    return [
        row("start of `elsewhere run -c pass`", "run"),
        row("suspend a small program", "suspend"),
        row("resume it, to its end", "resume"),
        row("suspend + resume, end to end", "both"),
    ]
