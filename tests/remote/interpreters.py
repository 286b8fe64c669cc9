"""Every Python a worker may run on that is on this machine; the others are named as skipped."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
from functools import cache

import pytest

WANTED = ["2.7", *(f"3.{minor}" for minor in range(6, 16)), "pypy3", "jython"]


def candidates(name: str) -> list[str]:
    if not name[0].isdigit():
        return [name]
    roots = [os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")]
    if shutil.which("pyenv"):
        asked = subprocess.run(["pyenv", "root"], capture_output=True, text=True)
        roots.insert(0, asked.stdout.strip())
    found = [path for root in roots for path in glob.glob(f"{root}/versions/{name}.*/bin/python")]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    fetched = os.environ.get("ELSEWHERE_PYTHONS_DIR") or f"{cache}/elsewhere-pythons"
    return [*sorted(found), f"python{name}", f"{fetched}/bin/python{name}"]


@cache
def find(name: str) -> str | None:
    for candidate in candidates(name):
        path = shutil.which(candidate)
        if path and "/shims/" not in path:
            asked = subprocess.run([path, "-c", "print(42)"], capture_output=True)
            if asked.stdout.strip() == b"42":
                return path
    return None


def interpreters(*names: str) -> list[object]:
    """For parametrize: the Pythons named, or all; ELSEWHERE_TEST_PYTHONS narrows them down."""
    wanted = os.environ.get("ELSEWHERE_TEST_PYTHONS", "").replace(",", " ").split()
    parameters: list[object] = []
    for name in names or WANTED:
        if wanted and name not in wanted:
            continue
        path = find(name)
        missing = pytest.mark.skip(reason=f"{name} is not on this machine")
        parameters.append(pytest.param(path, id=name, marks=() if path else missing))
    return parameters
