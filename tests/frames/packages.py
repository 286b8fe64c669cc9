"""Packages of the registry, for whichever Python runs a program that needs them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def install(place: Path, version: str, *wanted: str) -> str:
    """Put packages for one Python into a folder, unless it is there; what is in the way, or "".

    wanted: names, or what else pip takes (`-r`, a file). The folder is there as a whole or not at
    all, also where others ask for it at the same time.
    """
    if place.exists():
        return ""
    place.parent.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    pip += ["--no-compile", "--only-binary=:all:", "--python-version", version]
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        fresh = Path(folder) / "new"
        done = subprocess.run(
            [*pip, "--target", str(fresh), *wanted], capture_output=True, text=True
        )
        if done.returncode != 0:
            return done.stderr.strip()[-200:]
        if not place.exists():  # another one was faster
            shutil.move(fresh, place)
    return ""
