"""pytest-xdist, unmodified, on elsewhere instead of execnet, which is not even installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Python

TESTS = """
import os, signal, sys, time
import pytest

@pytest.mark.parametrize("i", range(12))
def test_many(i):
    assert i != 7

class TestGroup:
    @pytest.mark.parametrize("i", range(4))
    @pytest.mark.xdist_group("one")
    def test_in_a_class(self, i):
        print("printed", i)

def test_where():
    from elsewhere.compat import execnet as ours
    import execnet
    assert execnet is ours and execnet.loads(execnet.dumps([1])) == [1]
    assert os.environ["PYTEST_XDIST_WORKER"].startswith("gw")

def test_a_module_beside_this_one():
    import beside
    assert beside.value == 42
"""
CRASHES = """
import os, signal, time
import pytest

@pytest.mark.parametrize("i", range(8))
def test_crash(i):
    if i == 2:
        os._exit(3)
    if i == 5:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def xdist(python: Python) -> str:
    """A folder with pytest and pytest-xdist for that Python, from the package registry."""
    folder = Path(sys.prefix) / f"xdist-{python.version}"
    if not (folder / "xdist").exists():
        pip = [python.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        for what in (["pytest"], ["--no-deps", "pytest-xdist"]):
            done = subprocess.run(
                [*pip, "--target", str(folder), *what], capture_output=True, text=True
            )
            if done.returncode != 0:
                pytest.skip(f"pytest-xdist cannot be installed: {done.stderr.strip()[-200:]}")
    return str(folder)


@pytest.fixture
def run(python: Python, xdist: str, package_parent: str, tmp_path: Path):
    """Runs pytest with these options on these tests: what it has said."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "beside.py").write_text("value = 42\n")

    def run(tests: str, *options: str, code: int) -> str:
        file = folder / "test_it.py"
        file.write_text(tests)
        plugin = ["-p", "elsewhere.compat.pytest_execnet", "-p", "xdist.plugin"]
        done = subprocess.run(
            [python.executable, "-m", "pytest", *plugin, *options, str(file)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([xdist, package_parent]),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize(
    "mode", ["load", "loadscope", "loadfile", "loadgroup", "worksteal", "each", "no"]
)
def test_tests_are_distributed(run, mode: str) -> None:
    said = run(TESTS, "-n", "2", "--dist", mode, code=1)
    times = 2 if mode == "each" else 1
    assert f"{times} failed, {17 * times} passed" in said
    assert "assert 7 != 7" in said
    assert "printed" not in said  # what workers print goes nowhere, as with execnet


def test_a_failure_ends_the_run_with_maxfail(run) -> None:
    said = run(TESTS, "-n", "2", "--maxfail", "1", code=2)
    assert "1 failed" in said and "stopping after 1 failures" in said


def test_crashed_workers_are_replaced(run) -> None:
    said = run(CRASHES, "-n", "2", code=1)
    assert "2 failed, 6 passed" in said
    assert "crashed while running 'test_it.py::test_crash[2]'" in said
    assert "crashed while running 'test_it.py::test_crash[5]'" in said


def test_a_crash_too_many_ends_the_run(run) -> None:
    said = run(CRASHES, "-n", "2", "--max-worker-restart", "0", code=1)
    assert "crashed" in said


def test_folders_are_sent_to_workers(run, tmp_path: Path) -> None:
    ways = [f"--tx=popen//chdir={tmp_path / name}" for name in ("one", "two")]
    said = run(TESTS, "--dist=load", *ways, f"--rsyncdir={tmp_path / 'tests'}", code=1)
    assert "1 failed, 17 passed" in said
    for name in ("one", "two"):
        assert (tmp_path / name / "tests" / "beside.py").read_text() == "value = 42\n"
        assert (tmp_path / name / "_pytest").is_dir()
