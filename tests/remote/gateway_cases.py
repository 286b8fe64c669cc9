"""Runs the body of a test that uses gateways in a bare interpreter, as a program of its own."""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path

import pytest

# For cases that look at their children.
FAMILY = """
import os
def children():
    found = []
    for task in os.listdir("/proc/self/task"):
        try:
            found += map(int, open("/proc/self/task/" + task + "/children").read().split())
        except OSError:
            pass  # that thread has ended
    return found
def state(pid):
    try:
        return open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
"""


def run_case(
    executable: str, package_parent: str, body: str, folder: Path, timeout: float = 30, **env: str
) -> subprocess.CompletedProcess[str]:
    """The body, which may say what it has to; it ends well, and stderr is its own."""
    script = folder / "case.py"
    script.write_text("import elsewhere\n" + textwrap.dedent(body) + "\nprint('held')\n")
    ended = subprocess.run(
        [executable, str(script)],
        env={**os.environ, "PYTHONPATH": package_parent, **env},
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=folder,
    )
    if "no Python 2.7 here" in ended.stderr:
        pytest.skip("there is no Python 2.7 here")
    assert ended.returncode == 0 and ended.stdout.endswith("held\n"), ended.stderr + ended.stdout
    return ended
