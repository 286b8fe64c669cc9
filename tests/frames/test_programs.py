"""A program that sleeps and wakes, however often and wherever, does what it does in one life."""

from __future__ import annotations

import os
import random
import time
from functools import cache
from pathlib import Path

import pytest
from lives import JIT, SUSPENDED, Outcome, has_jit, in_lives, in_one_life, needs

PROGRAMS = Path(__file__).parent / "programs"
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py") if path.stem != "checkpoint")

# How often a program suspends itself in one run, and how many SIGTERMs it gets.
SUSPENDS = int(os.environ.get("ELSEWHERE_TEST_SUSPENDS", "4"))
SIGNALS = int(os.environ.get("ELSEWHERE_TEST_SIGNALS", "3"))
SEED = os.environ.get("ELSEWHERE_TEST_SEED", "1")
# What 3.15 takes from its environment: all is compiled at the second turn, not after thousands.
EAGER_JIT = JIT | {
    f"PYTHON_JIT_{start}_INITIAL_{what}": "1"
    for start in ("JUMP_BACKWARD", "RESUME", "SIDE_EXIT")
    for what in ("VALUE", "BACKOFF")
}
# They print when objects die, and how many references these have: with the JIT this depends on
# what has been compiled when, in one life too.
COUNTING = {"contained_deaths", "destructors", "reference_counts"}

ROUNDS = "4"  # for the runs with signals: long enough for a signal to meet the program's own work


@cache
def plain(executable: str, name: str, folder: Path, *arguments: str) -> tuple[Outcome, int, float]:
    """The uninterrupted run: its outcome, its number of checkpoints, the seconds it took."""
    log = folder / "places"
    began = time.monotonic()
    outcome = in_one_life(
        [executable, str(PROGRAMS / f"{name}.py"), *arguments],
        folder,
        {} if arguments else {"CHECKPOINT_LOG": str(log)},
    )
    seconds = time.monotonic() - began
    return outcome, log.stat().st_size if log.exists() else 0, seconds


@pytest.fixture
def name(request, python):
    """The program; skipped where its first line asks for a newer Python."""
    wanted = needs(PROGRAMS / f"{request.param}.py")
    if wanted > tuple(int(part) for part in python.version.split(".")):
        pytest.skip(f"needs Python {'.'.join(map(str, wanted))}")
    return request.param


def suspending_itself(name, python, command, folder, environment):
    outcome, places, _ = plain(python.executable, name, folder / "plain")
    assert places, "a program without a checkpoint proves nothing"
    generator = random.Random(f"{SEED} {name} {python.version}")
    plan = sorted(generator.sample(range(1, places + 1), min(SUSPENDS, places)))
    snapshot = str(folder / "program.snap")
    run = in_lives(
        run_command(command, python, snapshot, name),
        folder / "lives",
        environment={"CHECKPOINT_PLAN": " ".join([snapshot, *map(str, plan)]), **environment},
        patience=60,
    )
    assert not outcome.differences(run), (plan, run.messages, run.stderr)
    assert not run.messages
    # A place that refuses passes the suspend on to the next one, and two may meet there.
    assert 1 <= run.suspends <= len(plan)


@pytest.mark.parametrize("name", NAMES, indirect=True)
def test_suspending_itself_changes_nothing(name, python, command, tmp_path):
    suspending_itself(name, python, command, tmp_path, {})


@pytest.mark.parametrize("name", sorted({*NAMES} - COUNTING), indirect=True)
def test_suspending_itself_changes_nothing_under_the_jit(name, python, command, tmp_path):
    if not has_jit(python.executable):
        pytest.skip("has no JIT")
    suspending_itself(name, python, command, tmp_path, EAGER_JIT)


def test_compiled_loops_are_left_and_compiled_again(python, command, tmp_path):
    if not has_jit(python.executable):
        pytest.skip("has no JIT")
    outcome, _, seconds = plain(python.executable, "hot_loops", tmp_path / "plain", ROUNDS)
    log = tmp_path / "compiled"
    generator = random.Random(f"{SEED} {python.version}")
    moments = iter([generator.uniform(0, seconds) for _ in range(SIGNALS)])
    run = in_lives(
        run_command(command, python, str(tmp_path / "program.snap"), "hot_loops", ROUNDS),
        tmp_path / "lives",
        lambda lived: next(moments, None),
        {**JIT, "HOT_LOOPS_LOG": str(log)},
        patience=60,
    )
    assert not outcome.differences(run), (run.messages, run.stderr)
    shares = [[float(share) for share in line.split()] for line in log.read_text().splitlines()]
    assert len(shares) == int(ROUNDS)
    assert max(shares[-1]) > 0.2, shares


@pytest.mark.parametrize("name", NAMES, indirect=True)
def test_sigterm_at_any_moment_changes_nothing(name, python, command, tmp_path):
    outcome, _, seconds = plain(python.executable, name, tmp_path / "plain", ROUNDS)
    generator = random.Random(f"{SEED} {name} {python.version}")
    delays = [generator.uniform(0, seconds + 0.05) for _ in range(SIGNALS)]
    moments = iter(delays)
    run = in_lives(
        run_command(command, python, str(tmp_path / "program.snap"), name, ROUNDS),
        tmp_path / "lives",
        lambda lived: next(moments, None),
        patience=60,
    )
    assert not outcome.differences(run), (delays, run.messages, run.stderr)


def test_a_tee_that_is_garbage_at_the_end(python, command, tmp_path):
    """Python 3.12.1 itself crashes here."""
    script = tmp_path / "script.py"
    script.write_text(
        "import itertools\n"
        "class Holder: pass\n"
        "holder = Holder()\n"
        "holder.own, holder.tees = holder, itertools.tee(iter(range(9)))\n"
        "print(next(holder.tees[0]))\n"
        "other = holder\n"
        "del holder\n"
    )
    arguments = [command, "run", "--python", python.executable, str(script)]
    outcome = in_one_life(arguments, tmp_path / "life")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, b"0\n", b"")


def test_a_stack_of_fifty_thousand_frames_sleeps_and_wakes(python, command, tmp_path):
    """More than the C stack has room for when each is entered again."""
    if python.version in ("3.9", "3.10"):
        pytest.skip("before 3.11 each Python call takes C stack, in one life too")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "sys.setrecursionlimit(100000)\n"
        "def down(n):\n"
        "    if n == 0:\n"
        "        import elsewhere\n"
        "        return len(repr(elsewhere.suspend('deep.snap')))\n"
        "    return 1 + down(n - 1)\n"
        "print(down(50000))\n"
    )
    arguments = [command, "run", "--python", python.executable, str(script)]
    assert in_one_life(arguments, tmp_path / "life").code == SUSPENDED
    snapshot = str(tmp_path / "life/work/deep.snap")
    outcome = in_one_life([command, "resume", snapshot], tmp_path / "life")
    assert (outcome.code, outcome.stderr) == (0, b"")
    assert int(outcome.stdout) >= 50000


def test_a_generator_that_was_left_in_the_middle_is_freed_as_ever(python, command, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import weakref\n"
        "def inside():\n"
        "    import elsewhere\n"
        "    elsewhere.suspend('middle.snap')\n"
        "    yield 1\n"
        "generator = inside()\n"
        "reference = weakref.ref(generator)\n"
        "next(generator)\n"
        "del generator\n"
        "print(reference())\n"
    )
    arguments = [command, "run", "--python", python.executable, str(script)]
    assert in_one_life(arguments, tmp_path / "life").code == SUSPENDED
    snapshot = str(tmp_path / "life/work/middle.snap")
    outcome = in_one_life([command, "resume", snapshot], tmp_path / "life")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, b"None\n", b"")


def run_command(command, python, snapshot, name, *arguments):
    script = str(PROGRAMS / f"{name}.py")
    options = ["--python", python.executable, "--snapshot", snapshot]
    return [command, "run", *options, script, *arguments]


def test_a_tick_that_meets_an_import_imports_nothing(python, command, tmp_path):
    """Up to 3.11 an import in the middle of one that takes its lock breaks that one."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, _signal\n"
        "def at_calls(frame, event, argument):\n"
        "    if frame.f_code.co_name == 'acquire': return at_lines\n"
        "def at_lines(frame, event, argument):\n"
        "    if event == 'line' and waiting: _signal.raise_signal(_signal.SIGRTMIN + 8)\n"
        "    return at_lines\n"
        "waiting = sys.modules['_frozen_importlib']._blocking_on\n"
        "sys.settrace(at_calls)\n"
        "import wave\n"
        "sys.settrace(None)\n"
        "print(wave.__name__, 'json' in sys.modules)\n"
    )
    arguments = [command, "run", "--python", python.executable, str(script)]
    outcome = in_one_life(arguments, tmp_path / "life")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, b"wave False\n", b"")


def test_what_is_refused_is_said_in_one_line(python, command, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time\\ntime.sleep(60)'])\n"
        "import os; os.kill(os.getpid(), 15)\n"
        "end = time.monotonic() + 1\n"
        "while time.monotonic() < end: pass\n"
        "child.kill(); child.wait()\n"
    )
    options = ["--grace", "0.1s", "--python", python.executable]
    outcome = in_one_life([command, "run", *options, str(script)], tmp_path / "life")
    assert outcome.code == 0
    first, *rest = outcome.stderr.splitlines()
    assert b"has not ended" in first
    assert first.endswith(b"import time time.sleep(60)")
    assert [line.split(b":")[0] for line in rest] == [b"hint", b"elsewhere"]
