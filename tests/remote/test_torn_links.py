"""Whoever is killed at random, nobody else notices; `make torture` does it a thousand times."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def server(command: str, tmp_path: Path):
    """An `elsewhere serve` on TCP: its spec."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with subprocess.Popen(
        [command, "serve", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def test_what_is_killed_says_so_and_nobody_else_notices(python, package_parent, sshd, server):
    specs = {"ssh": sshd.spec(), "socket": server}
    program = Path(__file__).with_name("torn_links.py")
    ended = subprocess.run(
        [python.executable, str(program), "12", "40", "7", json.dumps(specs)],
        env={**os.environ, "PYTHONPATH": package_parent},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["wrong"] == [], told
    assert sum(told["kills"].values()) > 4 and told["messages"] > 500, told
