"""The reducers of elsewhere._keep in bare interpreters: one program of cases per kind of object."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import Python

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("keep_*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_every_case_of_the_program_holds(
    python: Python, program: Path, package_parent: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [python.executable, "-X", "faulthandler", str(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": package_parent, "PYTHONHASHSEED": "5"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
