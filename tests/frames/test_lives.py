"""The harness that compares lives notices every way to lose a program."""

from __future__ import annotations

import signal
import sys
import time

import pytest
from lives import Hung, in_lives, in_one_life

FORGETFUL = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(75))
print("begun", flush=True)
if not os.path.exists("second"):
    open("second", "w").close()
    time.sleep(60)
print("ended")
"""
MORTAL = "import time; print('begun', flush=True); time.sleep(60)"
DEAF = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('x', flush=True); time.sleep(60)"
)
PLAIN = "open('second', 'w').close(); print('begun\\nended')"


def command(code):
    return [sys.executable, "-c", code]


def once():
    """One SIGTERM, when the program has had time to begin."""
    asked = []

    def next_delay(lived):
        asked.append(lived)
        return 0.3 if len(asked) == 1 else None

    return next_delay


def test_a_program_that_begins_anew_is_a_difference(tmp_path):
    plain = in_one_life(command(PLAIN), tmp_path / "plain")
    run = in_lives(command(FORGETFUL), tmp_path / "lives", once())
    assert run.suspends == 1
    assert plain.differences(run) == ["stdout line 2: b'ended' became b'begun'"]


def test_a_program_killed_by_the_signal_is_not_unborn(tmp_path):
    plain = in_one_life(command(PLAIN), tmp_path / "plain")
    # Python's own executable is not the command that was named: it has left main() behind.
    run = in_lives(["/usr/bin/env", *command(MORTAL)], tmp_path / "lives", once())
    assert (run.code, run.unborn) == (-signal.SIGTERM, 0)
    assert "exit code 0 became -15" in plain.differences(run)


def test_a_program_that_neither_ends_nor_sleeps_is_hung_and_killed(tmp_path):
    began = time.monotonic()
    with pytest.raises(Hung):
        in_lives(command(DEAF), tmp_path / "lives", once(), patience=1)
    assert time.monotonic() - began < 20


def test_exit_code_and_files_are_compared(tmp_path):
    one = in_one_life(command("import sys; open('a', 'w').write('x'); sys.exit(3)"), tmp_path / "1")
    two = in_one_life(command("open('a', 'w').write('y'); open('b', 'w')"), tmp_path / "2")
    assert one.differences(one) == []
    assert one.differences(two) == [
        "exit code 3 became 0",
        "a line 1: b'x' became b'y'",
        "b is only there in one of the runs",
    ]
