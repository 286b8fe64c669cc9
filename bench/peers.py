"""Other packages to be compared with: from the package registry, each in a private venv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VENVS = Path(__file__).resolve().parent.parent / "build/bench"


def pythons_near(python: str, version: str) -> list[tuple[str, str]]:
    """`python` itself, then those of other minors that are here, the nearest first."""
    minor = int(version.partition(".")[2])
    others = sorted(range(8, 16), key=lambda other: (abs(other - minor), -other))
    found = [(version, python)]
    for other in others:
        name = f"python3.{other}"
        places = [shutil.which(name), *Path.home().glob(f".pyenv/versions/3.{other}.*/bin/python")]
        found += [(f"3.{other}", str(place)) for place in places if place and other != minor]
    return found


class Peer:
    """A package in a venv of its own; `python` is that venv's, "" if it could not be made.

    Attributes:
        name: what it is called in a table, with its version and the Python it runs on.
    """

    def __init__(self, package: str, python: str, version: str, check: list[str]) -> None:
        """`check`: what must succeed there, the arguments of the interpreter."""
        self.package = package
        self.python = ""
        self.name = f"{package}: not to be had"
        for minor, candidate in pythons_near(python, version):
            there = self._install(candidate, VENVS / f"{package}-{minor}")
            if there and subprocess.run([there, *check], capture_output=True).returncode == 0:
                self.python = there
                self.name = f"{package} {self._version()} on {minor}"
                return

    def _install(self, python: str, folder: Path) -> str:
        there = folder / "bin/python"
        if not there.exists():
            made = subprocess.run([python, "-m", "venv", str(folder)], capture_output=True)
            if made.returncode != 0:
                return ""
        pip = [str(there), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        got = subprocess.run([*pip, self.package], capture_output=True, text=True)
        if got.returncode != 0:
            print(got.stderr, file=sys.stderr)
        return str(there) if got.returncode == 0 else ""

    def _version(self) -> str:
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        asked = subprocess.run([self.python, "-c", code], capture_output=True, text=True)
        return asked.stdout.strip()


def plain_environment(package_parent: str) -> dict[str, str]:
    """As a user has it: modules are compiled once; elsewhere is where every Python finds it."""
    environment = dict(os.environ, PYTHONPATH=package_parent)
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        environment.pop(name, None)
    return environment
