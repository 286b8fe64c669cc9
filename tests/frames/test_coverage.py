"""Programs that coverage measures, and that are suspended: it counts what it does in one life."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lives import SUSPENDED, in_lives, in_one_life
from packages import install

HERE = Path(__file__).parent
COVERED = HERE / "programs/covered"
SUSPENDS = int(os.environ.get("ELSEWHERE_TEST_SUSPENDS", "4"))
SIGNALS = int(os.environ.get("ELSEWHERE_TEST_SIGNALS", "3"))
SEED = os.environ.get("ELSEWHERE_TEST_SEED", "1")

REPORT = """
import sys
import coverage
data = coverage.CoverageData(sys.argv[1])
data.read()
for file in sorted(data.measured_files()):
    for context in sorted(data.measured_contexts()):
        data.set_query_context(context)
        print(file.rpartition("/")[2], context, *sorted(data.lines(file)))
        print("  arcs", *sorted(data.arcs(file) or ()))
"""

# With branches the sysmon core notes which line it has seen after which, of those that are news to
# it; after a resume each line is news once more. What it says of lines and branches is the same.
REPORT_OF_SYSMON = """
import json
import sys
import coverage
coverage = coverage.Coverage(data_file=sys.argv[1])
coverage.load()
coverage.json_report(outfile=sys.argv[1] + ".json")
for file, told in json.load(open(sys.argv[1] + ".json"))["files"].items():
    print(file.rpartition("/")[2], told["executed_lines"], told["missing_lines"])
    print("  arcs", told.get("executed_branches"), told.get("missing_branches"))
"""

# core, options; the Python that has it
CORES = {
    "ctrace-lines": ("ctrace", [], (3, 9)),
    "ctrace-branches": ("ctrace", ["--branch"], (3, 9)),
    "pytrace-branches": ("pytrace", ["--branch"], (3, 9)),
    "sysmon-lines": ("sysmon", [], (3, 12)),
    "sysmon-branches": ("sysmon", ["--branch"], (3, 14)),
}


@pytest.fixture(scope="module")
def packages(python):
    """A folder with coverage for that Python, from the package registry."""
    place = Path(sys.prefix) / f"coverage-{python.version}" / "site-packages"
    if failure := install(place, python.version, "coverage"):
        pytest.skip(f"coverage cannot be installed: {failure}")
    if not list(place.glob("coverage/tracer*.so")):
        pytest.skip(f"coverage has no C tracer for Python {python.version}")
    return place


@pytest.fixture
def measured(python, command, packages, tmp_path):
    """measured(core, program, …) runs it in one life and in several, and compares."""

    def run(core, words, arguments=(), signals=False, settings=None, of_the_first=None):
        log = tmp_path / "plain" / "places"
        environment = {
            "COVERAGE_CORE": core,
            "COVERAGE_FILE": ".coverage",
            "PYTHONPATH": os.pathsep.join([str(packages), str(HERE / "programs")]),
            **(settings or {}),
        }

        def counted(outcome, folder):
            file = folder / "work" / ".coverage"
            report = REPORT_OF_SYSMON if core == "sysmon" else REPORT
            asked = [python.executable, "-c", report, str(file)]
            told = subprocess.run(
                asked, env={**os.environ, **environment}, capture_output=True, text=True
            )
            assert told.returncode == 0, told.stderr + outcome.stderr.decode()
            return told.stdout

        began = time.monotonic()
        where = tmp_path / "plain"
        once = in_one_life(
            [python.executable, *words, *arguments],
            where,
            {**environment, **({} if signals else {"CHECKPOINT_LOG": str(log)})},
        )
        seconds = time.monotonic() - began
        assert once.code == 0, once.stderr
        expected = counted(once, where)
        assert expected.count("arcs") and len(expected.split()) > 20, expected
        generator = random.Random(f"{SEED} {core} {words} {python.version}")
        snapshot = str(tmp_path / "program.snap")
        options = ["--python", python.executable, "--snapshot", snapshot]
        again = [command, "run", *options, *words, *arguments]
        lived = tmp_path / "lives"
        if signals:
            delays = [generator.uniform(0, seconds) for _ in range(SIGNALS)]
            moments = iter(delays)
            found = in_lives(again, lived, lambda lived: next(moments, None), environment, 60)
        elif of_the_first:
            found = in_lives(again, lived, None, environment, 60, of_the_first)
            assert found.suspends == 1
        else:
            places = log.stat().st_size
            plan = sorted(generator.sample(range(1, places + 1), min(SUSPENDS, places)))
            environment["CHECKPOINT_PLAN"] = " ".join([snapshot, *map(str, plan)])
            found = in_lives(again, lived, None, environment, 60)
            assert found.suspends >= 1
        assert (found.code, found.stdout) == (once.code, once.stdout), found.stderr
        assert (found.stderr, found.messages) == (once.stderr, [])
        assert counted(found, lived) == expected

    return run


def needs(python, wanted):
    if wanted > tuple(int(part) for part in python.version.split(".")):
        pytest.skip(f"needs Python {'.'.join(map(str, wanted))}")


@pytest.mark.parametrize("name", ["constructs", "left_here"])
@pytest.mark.parametrize("kind", CORES)
def test_coverage_run_counts_the_same_in_several_lives(kind, name, python, measured):
    core, options, wanted = CORES[kind]
    needs(python, wanted)
    program = COVERED / f"{name}.py"
    measured(core, ["-m", "coverage", "run", *options, f"--include={program}", str(program)])


@pytest.mark.parametrize("kind", ["ctrace-lines", "ctrace-branches", "sysmon-branches"])
def test_coverage_run_counts_the_same_where_sigterm_comes(kind, python, measured):
    core, options, wanted = CORES[kind]
    needs(python, wanted)
    program = COVERED / "constructs.py"
    words = ["-m", "coverage", "run", *options, f"--include={program}", str(program)]
    measured(core, words, ["10"], signals=True)


@pytest.mark.parametrize("kind", CORES)
def test_a_generator_that_a_signal_meets_as_it_goes_on_is_entered_once(kind, python, measured):
    core, options, wanted = CORES[kind]
    needs(python, wanted)
    program = COVERED / "met_again.py"
    words = ["-m", "coverage", "run", *options, f"--include={program}", str(program)]
    measured(core, words, of_the_first={"MET_BY": "15"})


def test_the_contexts_of_tests_are_the_same_in_several_lives(measured, packages, tmp_path):
    if "_hasher" in (packages / "coverage/sqldata.py").read_text():
        pytest.skip("this version of coverage has a hash in progress once it has written anything")
    program = COVERED / "contexts.py"
    settings = tmp_path / "settings"
    settings.write_text(f"[run]\nbranch=True\ndynamic_context=test_function\ninclude={program}\n")
    words = ["-m", "coverage", "run", f"--rcfile={settings}", str(program)]
    measured("ctrace", words)


@pytest.mark.parametrize("core", ["ctrace", "pytrace"])
def test_a_program_that_measures_itself_saves_the_same_at_its_exit(core, measured):
    measured(core, [str(COVERED / "by_itself.py")])


INSIDE = """
import coverage, elsewhere, elsewhere.errors
outer, inner = coverage.Coverage(data_file=None), coverage.Coverage(data_file=None)
outer.start(), inner.start()
try:
    elsewhere.suspend("program.snap")
except elsewhere.errors.Refused as error:
    print(error)
inner.stop()
elsewhere.suspend("program.snap")
print("again")
outer.stop()
"""

UNKNOWN = """
import ctypes, elsewhere, elsewhere.errors
events = []
class Mark:
    pass
@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.c_void_p)
def tell(mark, frame, event, argument):
    events.append(event)
    return 0
ctypes.pythonapi.PyEval_SetTrace(tell, ctypes.py_object(Mark()))
def function():
    pass
try:
    elsewhere.suspend("program.snap")
except elsewhere.errors.Refused as error:
    del events[:]
    function()
    print(error, len(events) > 2)
ctypes.pythonapi.PyEval_SetTrace(None, None)
"""


def test_coverage_within_coverage_is_refused_until_it_ends(python, command, packages, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(INSIDE)
    environment = {"COVERAGE_CORE": "ctrace", "PYTHONPATH": str(packages)}
    words = [command, "run", "--python", python.executable, str(script)]
    outcome = in_one_life(words, tmp_path, environment)
    assert outcome.code == SUSPENDED, outcome.stderr
    assert b"coverage is measured within coverage" in outcome.stdout
    resume = [command, "resume", str(tmp_path / "work/program.snap")]
    outcome = in_one_life(resume, tmp_path, environment)
    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout.endswith(b"again\n")


def test_a_tracer_of_c_that_is_not_known_is_refused_by_its_type(python, command, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNKNOWN)
    words = [command, "run", "--python", python.executable, str(script)]
    outcome = in_one_life(words, tmp_path)
    assert (outcome.code, outcome.stderr) == (0, b"")
    assert b"a trace function that C code has set is active (Mark)" in outcome.stdout
    assert outcome.stdout.endswith(b"True\n")
