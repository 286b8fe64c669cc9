"""The programs of examples/gateways, as they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples/gateways"


@pytest.fixture
def run(python, package_parent):
    def run(name: str, *arguments: object) -> str:
        done = subprocess.run(
            [python.executable, str(EXAMPLES / name), *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": package_parent},
            capture_output=True,
            text=True,
            timeout=60,
        )
        if "no Python 2.7 here" in done.stderr:
            pytest.skip("there is no Python 2.7 here")
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout

    return run


def test_files_are_served(run, sshd, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 300_000)
    for spec in ("popen", "popen//python=2.7", sshd.spec()):
        said = run("file_server.py", spec, tmp_path / "a", tmp_path / "b")
        assert said == f"{tmp_path}/a has 300000 bytes\n{tmp_path}/b is not there\n"


def test_output_is_redirected(run) -> None:
    assert run("remote_output.py") == ("there it was printed: ['hello from Python', '42', '']\n")


def test_python_2_and_3_work_together(run) -> None:
    assert run("two_and_three.py") == "16 of 9 2\n"


def test_a_folder_is_copied_to_several_places(run, tmp_path: Path) -> None:
    (tmp_path / "source/sub").mkdir(parents=True)
    (tmp_path / "source/sub/file").write_text("1234")
    places = [f"popen={tmp_path / 'one'}", f"popen//python=2.7={tmp_path / 'two'}"]
    for size in (8, 0):
        said = run("sync.py", tmp_path / "source", *places)
        assert said == f"2 places have all, {size} bytes were looked at\n"
    assert (tmp_path / "two/sub/file").read_text() == "1234"


def test_a_socket_gateway_closes_the_triangle(run) -> None:
    assert run("triangle.py") == "42\nto and fro to and fro \n"
