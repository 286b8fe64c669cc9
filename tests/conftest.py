"""What tests of the built product share: the command, and every Python that has an engine.

Tests run in .venv after `make build`; a test that takes `python` runs once per Python.
ELSEWHERE_TEST_PYTHONS=3.12,3.13 narrows that down, or is a path to one that is not looked for.
ELSEWHERE_TEST_BUILD=build/NAME takes the command and the engines that cmake has built there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import which

import pytest
from ssh_server import sshd as sshd

# Programs under test start with what a shell gives them, also below nohup and in the background.
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
BUILD = os.environ.get("ELSEWHERE_TEST_BUILD")
PACKAGE = Path(sysconfig.get_path("platlib")) / "elsewhere"
COMMAND = Path(sys.executable).parent / "elsewhere"
if BUILD:
    PACKAGE, COMMAND = ROOT / BUILD / "package/elsewhere", ROOT / BUILD / "bin/elsewhere"


@dataclass(frozen=True)
class Python:
    """A bare interpreter for which the installed package carries an engine."""

    version: str
    executable: str
    suffix: str


@cache
def found_pythons() -> list[Python]:
    wanted = os.environ.get("ELSEWHERE_TEST_PYTHONS", "").replace(",", " ").split()
    listed = subprocess.run(
        [sys.executable, str(ROOT / "tools/find_pythons"), *(w for w in wanted if "/" in w)],
        capture_output=True,
        text=True,
        check=True,
    )
    pythons = []
    for line in listed.stdout.splitlines():
        version, executable, _, suffix = line.split(";")
        has_engine = (PACKAGE / f"_elsewhere{suffix}").exists()
        if has_engine and (not wanted or version in wanted or "/" in "".join(wanted)):
            pythons.append(Python(version, executable, suffix))
    # As for somebody who uses them: the product looks for `python3.N` on PATH, too.
    places = [str(Path(p.executable).parent) for p in pythons if not which(f"python{p.version}")]
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), *places])
    return pythons


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "python" in metafunc.fixturenames:
        pythons = found_pythons()
        if not pythons:
            raise pytest.UsageError(f"no Python found has an engine in {PACKAGE}: run make build")
        metafunc.parametrize("python", pythons, ids=lambda p: p.version, scope="session")


def pytest_report_header() -> str:
    versions = ", ".join(f"{p.version} ({p.executable})" for p in found_pythons())
    return f"elsewhere: {versions or 'no engine'}"


@pytest.fixture(scope="session")
def command() -> str:
    """The installed `elsewhere` command."""
    assert COMMAND.exists(), f"{COMMAND} is missing: run make build"
    return str(COMMAND)


@pytest.fixture(scope="session")
def package_parent() -> str:
    """The folder to put on a bare interpreter's sys.path for `import elsewhere`."""
    return str(PACKAGE.parent)
