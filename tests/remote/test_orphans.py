"""Whoever is killed, in whatever order: no process is left, and a program that moved is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flaky_ssh import children_of, has_ended

SECONDS = 20
ORDERS = ["origin", "worker", "program", "origin worker", "worker origin", "program origin"]

# It never stops to print: whoever reads that may die at any moment.
MOVED = """
import elsewhere, os, time
elsewhere.teleport(SPEC)
from elsewhere._travel import arrival
print(os.getpid(), os.getppid(), arrival.path, flush=True)
while True:
    print("x" * 200, flush=True)
    time.sleep(0.0005)
"""
ANOTHER = """
import os, time
print(os.getpid(), os.getppid(), "-", flush=True)
time.sleep(600)
"""
GATEWAY = """
import elsewhere, os, time
gateway = elsewhere.makegateway(SPEC)
channel = gateway.remote_exec("import os, time; channel.send(os.getpid()); time.sleep(600)")
print(channel.receive(), os.getpid(), "-", flush=True)
channel.receive()
"""


@pytest.fixture(params=["popen", "pushed", "ssh"])
def spec(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ELSEWHERE_PUSH", "1" if request.param == "pushed" else "")
    return str(request.getfixturevalue("sshd").spec()) if request.param == "ssh" else "popen"


class Household:
    """An origin and everything that lives because of it."""

    def __init__(self, words: list[str], environment: dict[str, str]) -> None:
        self.origin = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.origin.stdout is not None
        line = self.origin.stdout.readline()
        assert len(line.split()) == 3, (line, self.origin.poll())
        program, worker, self.place = line.split()
        self.pids = {"origin": self.origin.pid, "worker": int(worker), "program": int(program)}
        self.all = {*self.pids.values(), *self.descendants(self.origin.pid)}

    def descendants(self, pid: int) -> set[int]:
        found = set(children_of(pid))
        return found.union(*(self.descendants(child) for child in found))

    def kill(self, order: str) -> None:
        for name in order.split():
            try:
                os.kill(self.pids[name], signal.SIGKILL)
            except ProcessLookupError:
                assert name != order.split()[0], f"the {name} had ended"

    def nobody_is_left(self) -> str:
        """What the origin said on stderr."""
        _, said = self.origin.communicate(timeout=SECONDS)  # to the last who holds its streams
        end = time.monotonic() + SECONDS
        while left := [pid for pid in self.all if not has_ended(pid)]:
            assert time.monotonic() < end, (left, self.pids, said)
            time.sleep(0.05)
        return said


@pytest.fixture
def household(python, package_parent: str, tmp_path: Path) -> Iterator[Callable[..., Household]]:
    environment = {
        "PYTHONPATH": package_parent,
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    made = []

    def make(text: str, spec: str, *command: str) -> Household:
        script = tmp_path / "program.py"
        script.write_text(text.replace("SPEC", repr(spec)))
        words = [*(command or [python.executable]), str(script)]
        made.append(Household(words, {**os.environ, **environment}))
        return made[-1]

    yield make
    for one in made:
        one.origin.kill()
        one.origin.wait()


@pytest.mark.parametrize("order", ORDERS)
def test_of_a_moved_program(household, spec, order, command) -> None:
    state = "" if spec == "popen" else f"//env:XDG_STATE_HOME={os.environ.get('TMPDIR', '/tmp')}"
    house = household(MOVED, spec + state)
    house.kill(order)
    house.nobody_is_left()
    snapshot = Path(house.place)
    if "program" in order.split()[0]:
        assert not snapshot.exists()
        return
    assert subprocess.run([command, "inspect", snapshot], capture_output=True).returncode == 0
    for leftover in snapshot.parent.glob(snapshot.name + "*"):
        leftover.unlink()


@pytest.mark.parametrize("order", ["origin", "worker", "program", "worker origin"])
def test_of_another_program_that_runs_there(household, spec, order, command, python) -> None:
    house = household(ANOTHER, spec, command, "exec", "--python", python.executable, spec)
    house.kill(order)
    house.nobody_is_left()


@pytest.mark.parametrize("order", ["origin", "program"])
def test_of_a_gateway(household, spec, order) -> None:
    house = household(GATEWAY, spec)
    house.kill(order)
    said = house.nobody_is_left()
    assert order == "origin" or "lost" in said
