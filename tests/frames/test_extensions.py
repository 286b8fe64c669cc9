"""Programs that hold what extensions of the package registry made, and are suspended."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from lives import in_lives, in_one_life
from packages import install

PROGRAMS = Path(__file__).parent / "programs"
NEEDS = {
    "arrays": "numpy",
    "documents": "PyYAML",
    "messages": "msgpack",
    "tokens": "cryptography",
}


@pytest.mark.parametrize("name", NEEDS)
def test_programs_that_hold_what_extensions_made(name, python, command, tmp_path):
    package = NEEDS[name]
    place = Path(sys.prefix) / f"{package}-{python.version}" / "site-packages"
    if failure := install(place, python.version, package):
        pytest.skip(f"{package} cannot be installed: {failure}")
    program, log = str(PROGRAMS / f"extended/{name}.py"), tmp_path / "places"
    environment = {"PYTHONPATH": os.pathsep.join([str(place), str(PROGRAMS)])}
    once = in_one_life(
        [python.executable, program],
        tmp_path / "plain",
        {**environment, "CHECKPOINT_LOG": str(log)},
    )
    assert once.code == 0, once.stderr
    places = log.stat().st_size
    assert places >= 3
    snapshot = str(tmp_path / "program.snap")
    environment["CHECKPOINT_PLAN"] = " ".join([snapshot, *map(str, range(1, places + 1))])
    options = ["--python", python.executable, "--snapshot", snapshot]
    found = in_lives([command, "run", *options, program], tmp_path / "lives", None, environment)
    assert found.suspends == places, found.messages
    assert (found.code, found.stdout, found.stderr) == (once.code, once.stdout, once.stderr)
