"""Programs that are suspended at every point there is; tools/torture_points does it to all."""

from __future__ import annotations

from pathlib import Path

import pytest
from lives import in_one_life, masked
from points import Choice, each_alone, in_a_chain, left_at, listed

PROGRAMS = Path(__file__).parent / "programs"
SOME = ["with_blocks", "generators", "class_statements", "throwing", "coroutines", "destructors"]

SCRIPT = """
import time

def twice(n):
    return n + n

class Named:
    def __del__(self):
        print("dropped")
        print("at last")

total = 1
for i in range(3):
    total = twice(total)
time.sleep(0.05)
[Named()].clear()  # which nothing has shown to do no more
print(total)
"""

TRACED = """
import sys

def note(frame, event, argument):
    return note

def add(a, b):
    return a + b

sys.settrace(note)
total = add(add(1, 2), 3)
sys.settrace(None)
print(total, sys._getframe().f_trace)
"""


@pytest.fixture
def tour(command, python, tmp_path):
    """tour(walk, script, choice) of a script's points, in tmp_path."""

    def make(walk, script, choice):
        plain = masked(in_one_life([python.executable, str(script)], tmp_path / "plain"))

        def words(snapshot):
            options = ["--python", python.executable, "--snapshot", str(snapshot)]
            return [command, "run", *options, str(script)]

        return walk(words, plain, tmp_path / "tour", {}, choice)

    return make


@pytest.mark.parametrize("walk", [each_alone, in_a_chain])
def test_a_program_leaves_at_each_of_its_points_once(walk, tour, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    found = tour(walk, script, Choice())
    assert not found.failures
    places = left_at(tmp_path / "tour/points")
    assert found.points == len(places) == len(set(places))
    for word in ("<module> script.py:14", "twice script.py:", "<module> script.py:15"):
        assert any(word in place for place in places), places
    assert any("finalizer" in kind for kind in found.refusals)


def test_a_tour_goes_by_the_points_that_it_is_not_to_visit(tour, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    found = tour(each_alone, script, Choice(every=4))
    assert not found.failures
    assert 0 < found.points < found.passed
    assert {"passed"} < {verdict for _, verdict in listed(tmp_path / "tour/points")} | {""}


def test_a_tour_of_a_traced_program_comes_to_its_end_and_only_its_frames_are_traced(tour, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(TRACED)
    found = tour(each_alone, script, Choice())
    assert not found.failures
    places = left_at(tmp_path / "tour/points")
    assert any("add script.py:" in place for place in places), places


@pytest.mark.parametrize("name", SOME)
def test_a_chain_of_points_changes_nothing(name, tour):
    found = tour(in_a_chain, PROGRAMS / f"{name}.py", Choice(every=7))
    assert found.points
    assert not found.failures
