"""The far side dies at each stage of the hand-over: the program lives, once.

Each test lets one connection run through flaky_ssh.py, to a real sshd, and kills one of the parties
at one message: the connection, the worker (the porter lives in it), the program's new process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import flaky_ssh
import pytest
from conftest import Python, found_pythons

SECONDS = 60
STEPS = 12

# Every step is noted in a file by whoever takes it, apart from stdout.
PROGRAM = f"""
import elsewhere, os, time
ballast = os.urandom(3 << 20)
def note(word):
    with open("notes", "a") as file:
        file.write(f"{{word}} {{os.getpid()}}\\n")
note("start")
try:
    elsewhere.teleport(SPEC)
except elsewhere.errors.Error as error:
    print(type(error).__name__, error.exit_code, error.message.replace("\\n", " "))
    print("hint", error.hint)
for step in range({STEPS}):
    note(step)
    print("step", step, flush=True)
    time.sleep(0.06)
note(f"end {{len(ballast)}}")
"""


@dataclass
class Life:
    """A program that set out, and what became of it."""

    folder: Path
    command: str
    environment: dict[str, str]
    ended: subprocess.CompletedProcess[str]
    seen: flaky_ssh.Seen

    def notes(self) -> list[str]:
        """What was done, without by whom."""
        lines = (self.folder / "notes").read_text().splitlines()
        return [line.rpartition(" ")[0] for line in lines]

    def runners(self) -> list[str]:
        lines = (self.folder / "notes").read_text().splitlines()
        return list(dict.fromkeys(line.rpartition(" ")[2] for line in lines))

    def nothing_is_left(self) -> None:
        end = time.monotonic() + 20
        while left := [pid for pid in self.seen.processes if not flaky_ssh.has_ended(pid)]:
            assert time.monotonic() < end, f"still there: {left} of {self.seen}"
            time.sleep(0.05)

    def resume(self, snapshot: Path | str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, "resume", str(snapshot)],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )


WHOLE = ["start", *(str(step) for step in range(STEPS)), f"end {3 << 20}"]


@pytest.fixture
def newest() -> Python:
    """What is tested here depends little on the version, and takes its time."""
    return found_pythons()[-1]


@pytest.fixture
def live(
    newest: Python, package_parent: str, command: str, sshd, tmp_path: Path
) -> Callable[..., Life]:
    """Runs the program with one party killed."""

    def lived(
        at: str,
        when: str,
        victim: str,
        nth: int = 1,
        program: str = PROGRAM,
        there: str = "",
        python: Python = newest,
    ) -> Life:
        real = shutil.which("ssh")
        assert real is not None
        flaky_ssh.install(tmp_path / "way", real, at, when, victim, nth)
        environment = {
            **os.environ,
            "PATH": f"{tmp_path}/way:{os.environ['PATH']}",
            "PYTHONPATH": package_parent,
            "XDG_STATE_HOME": str(tmp_path / "state-here"),
        }
        modifiers = [
            f"env:XDG_{name.upper()}_HOME={tmp_path}/{name}" for name in ("cache", "state")
        ]
        modifiers += [there] if there else []
        spec = sshd.spec("far", f"chdir={tmp_path}", *modifiers)
        (tmp_path / "program.py").write_text(program.replace("SPEC", repr(spec)))
        ended = subprocess.run(
            [python.executable, "program.py"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        seen = flaky_ssh.seen(tmp_path / "way")
        assert seen.killed, f"never came to {at}: {seen} {ended}"
        return Life(tmp_path, command, environment, ended, seen)

    return lived


BEFORE_GO = [
    ("hello", "before", "link worker"),
    ("exec", "after", "link worker"),
    ("order", "after", "link worker"),
    ("need", "before", "link worker"),
    ("files", "after", "link worker"),
    ("all-files", "after", "link worker program"),
    ("state", "after", "link worker program"),
    ("whole-state", "before", "link worker program"),
    ("whole-state", "after", "link program"),
    ("ready", "before", "link program"),
    ("ready", "after", "program"),
    ("go", "before", "program"),
]
# A worker that is killed "before" a message of its own has sent that message.
NOT_CONFIRMED = [
    ("ready", "before", "worker"),
    ("ready", "after", "link worker"),
    ("go", "before", "link worker"),
    ("go", "after", "link"),
    ("gone", "before", "link"),
]
AFTER_GO = [
    ("go", "after", "worker"),
    ("gone", "before", "worker"),
    ("gone", "after", "link worker"),
    ("out", "before", "link worker"),
    ("out", "after", "link worker"),
]


def cases(table: list[tuple[str, str, str]]) -> pytest.MarkDecorator:
    every = [
        pytest.param(at, when, victim, id=f"{victim}-{when}-{at}")
        for at, when, victims in table
        for victim in victims.split()
    ]
    return pytest.mark.parametrize(("at", "when", "victim"), every)


@cases(BEFORE_GO)
def test_before_go_it_goes_on_here(live, at, when, victim) -> None:
    life = live(at, when, victim)
    lines = life.ended.stdout.splitlines()
    assert life.ended.returncode == 0, life.ended
    kind = "RemoteFailure 1" if victim == "program" else "Disconnected 69"
    assert lines[0].startswith(kind) and "far" in lines[0], lines
    assert lines[1].startswith("hint ") and len(lines[1]) > 10, lines
    assert lines[2:] == [f"step {step}" for step in range(STEPS)]
    assert life.notes() == WHOLE and len(life.runners()) == 1
    life.nothing_is_left()


SLOW = PROGRAM.replace(
    'note("start")',
    """
class Slow:
    def __reduce__(self):
        return rebuild, (os.getpid(),)
def rebuild(maker):
    note("rebuild")
    time.sleep(600)
slow = Slow()
note("start")
""",
)


@pytest.mark.parametrize("victim", ["link", "worker", "program"])
def test_a_copy_that_is_being_rebuilt_ends_at_once(live, victim) -> None:
    life = live("whole-state", "after", victim, program=SLOW)
    assert life.ended.returncode == 0, life.ended
    assert life.notes() == [WHOLE[0], "rebuild", *WHOLE[1:]]
    life.nothing_is_left()


@cases(NOT_CONFIRMED)
def test_when_nobody_knows_whether_go_arrived_it_is_a_snapshot(live, at, when, victim) -> None:
    life = live(at, when, victim)
    told = life.ended.stderr.splitlines()
    assert life.ended.returncode == 69, life.ended
    assert [line.split(":")[0] for line in told] == ["error", "hint"] and "far" in told[0], told
    life.nothing_is_left()
    place = life.seen.place
    here = told[1].rpartition("elsewhere resume ")[2].split("`")[0]
    done, ran = life.notes(), life.runners()
    assert done == WHOLE[: len(done)] and len(ran) <= 2
    assert life.resume(place).returncode == 0
    assert life.notes() == WHOLE
    # Had the host never come back: what was kept here is the program too.
    (life.folder / "notes").write_text("start 0\n")
    assert here != place and life.resume(here).returncode == 0
    assert life.notes() == WHOLE


@cases(AFTER_GO)
def test_after_go_it_is_a_snapshot_there(live, at, when, victim) -> None:
    life = live(at, when, victim)
    told = life.ended.stderr.splitlines()
    assert life.ended.returncode == 69, life.ended
    assert [line.split(":")[0] for line in told] == ["error", "hint"] and "far" in told[0], told
    assert life.seen.place in told[1]
    life.nothing_is_left()
    done = life.notes()
    assert 1 < len(done) < len(WHOLE) and done == WHOLE[: len(done)]
    again = life.resume(life.seen.place)
    assert again.returncode == 0, again
    assert life.notes() == WHOLE and len(life.runners()) == 3
    assert again.stdout.splitlines()[-1] == f"step {STEPS - 1}"


@pytest.mark.parametrize("at", ["go", "out"])
def test_every_version_keeps_what_is_cut_off(live, python, at) -> None:
    life = live(at, "before", "link", python=python)
    assert life.ended.returncode == 69, life.ended
    life.nothing_is_left()
    assert life.resume(life.seen.place).returncode == 0
    assert life.notes() == WHOLE


@pytest.mark.parametrize("nth", [1, 4])
def test_a_process_that_is_killed_after_go_ends_the_origin_as_it_ended(live, nth) -> None:
    life = live("out", "after", "program", nth)
    assert life.ended.returncode == -9, life.ended
    done = life.notes()
    assert done == WHOLE[: len(done)] and len(life.runners()) == 2
    life.nothing_is_left()
    assert not Path(life.seen.place).exists()


@pytest.mark.parametrize("victim", ["link", "worker"])
def test_a_link_that_is_lost_as_it_ends_does_not_run_it_again(live, victim) -> None:
    life = live("exit", "before", victim)
    assert life.notes() == WHOLE and len(life.runners()) == 2
    life.nothing_is_left()
    assert not Path(life.seen.place).exists()
    if victim == "worker":  # it had said how the program ended
        assert life.ended.returncode == 0, life.ended
    else:
        assert life.ended.returncode == 69, life.ended
        assert f"{life.seen.place}.exit" in life.ended.stderr
        assert Path(f"{life.seen.place}.exit").read_text() == "0\n"


def test_an_end_that_was_told_is_one(live) -> None:
    life = live("exit", "after", "link")
    assert life.ended.returncode == 0, life.ended
    assert life.notes() == WHOLE and len(life.runners()) == 2
    life.nothing_is_left()


# It goes on from there: over ssh, or to another process of the same machine.
FURTHER = PROGRAM.replace(
    "for step in",
    """
elsewhere.teleport(NEXT)
note("further")
for step in""",
)


@pytest.mark.parametrize("way", ["ssh", "popen", "popen gateway"])
def test_a_program_that_went_further_is_found_where_it_is(live, sshd, tmp_path, way) -> None:
    following = f"popen//env:A=1//chdir={tmp_path}" if way == "popen gateway" else way
    if way == "ssh":
        following = sshd.spec("far2", f"chdir={tmp_path}", f"env:XDG_STATE_HOME={tmp_path}/state2")
    life = live("out", "after", "link", program=FURTHER.replace("NEXT", repr(following)))
    assert life.ended.returncode == 69, life.ended
    assert f"{life.seen.place}.err" in life.ended.stderr
    life.nothing_is_left()
    assert not Path(life.seen.place).exists()
    told = Path(f"{life.seen.place}.err").read_text()
    assert told.startswith("elsewhere: suspended to "), told
    again = life.resume(told.split()[-1])
    assert again.returncode == 0, again
    assert life.notes() == [WHOLE[0], "further", *WHOLE[1:]]


# Longer in C code than a worker lives on without its controller.
STUCK = PROGRAM.replace(
    "for step in",
    """
import json
def wait(value):
    for _ in range(70):
        print("waiting", flush=True)
        time.sleep(0.1)
    return ""
json.dumps(b"", default=wait)
note("through")
for step in""",
)


def test_a_program_that_cannot_be_suspended_at_once_is_waited_for(live) -> None:
    life = live("out", "after", "link", program=STUCK)
    assert life.ended.returncode == 69, life.ended
    life.nothing_is_left()
    printed = life.ended.stdout + Path(f"{life.seen.place}.out").read_text()
    assert printed.count("waiting\n") > 60
    assert life.resume(life.seen.place).returncode == 0
    assert life.notes() == [WHOLE[0], "through", *WHOLE[1:]]


# ---- a full disk there ---------------------------------------------------------------------------


@pytest.fixture
def full_disk(newest: Python, tmp_path: Path) -> str:
    """Modifiers of a spec: a Python in whose view cache and state are on a disk without space."""
    if os.geteuid() != 0:
        pytest.skip("needs the right to mount")
    script = tmp_path / "inside"
    script.write_text(
        f"cd {tmp_path}\n"
        "for place in cache state; do\n"
        "    mkdir -p $place && mount -t tmpfs -o size=32k none $place || exit 99\n"
        "    mkdir -m 700 $place/elsewhere\n"
        "    head -c 100k /dev/zero >$place/filler 2>/dev/null\n"
        "done\n"
        f'exec {newest.executable} "$@"\n'
    )
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nexec unshare -m sh {script} "$@"\n')
    wrapper.chmod(0o700)
    return f"python={wrapper}"


def test_a_disk_without_space_there_is_no_hindrance(live, full_disk) -> None:
    life = live("exit", "after", "link", there=full_disk)
    assert life.ended.returncode == 0, life.ended
    assert life.notes() == WHOLE and len(life.runners()) == 2
    life.nothing_is_left()


def test_a_cut_off_program_that_cannot_be_kept_there_goes_on_there(live, full_disk) -> None:
    life = live("out", "after", "link", there=full_disk)
    assert life.ended.returncode == 69, life.ended
    life.nothing_is_left()
    assert life.notes() == WHOLE and len(life.runners()) == 2


def test_an_unconfirmed_program_that_cannot_be_kept_there_is_kept_here(live, full_disk) -> None:
    life = live("go", "before", "link", there=full_disk)
    assert life.ended.returncode == 69, life.ended
    life.nothing_is_left()
    assert life.notes() == WHOLE[:1]
    here = life.ended.stderr.rpartition("elsewhere resume ")[2].split("`")[0]
    assert life.resume(here).returncode == 0
    assert life.notes() == WHOLE
