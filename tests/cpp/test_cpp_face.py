"""The C++ face, as another project finds it: installed, and used from examples/cpp."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, Python

BUILT = ROOT / "build/wheel"


def run(*command: str | Path) -> None:
    made = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.fixture(scope="session")
def word_count(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """examples/cpp, built against nothing but what is installed."""
    if not (BUILT / "CMakeCache.txt").exists():
        pytest.skip(f"{BUILT} is not there: run make build")
    place = tmp_path_factory.mktemp("cpp")
    run("cmake", "--install", BUILT, "--component", "development", "--prefix", place / "prefix")
    shutil.copytree(ROOT / "examples/cpp", place / "source")
    run(
        *("cmake", "-G", "Ninja", "-S", place / "source", "-B", place / "build"),
        f"-DCMAKE_PREFIX_PATH={place / 'prefix'}",
    )
    run("cmake", "--build", place / "build")
    return place / "build/word_count"


def test_a_cpp_program_uses_a_python(word_count: Path, python: Python) -> None:
    done = subprocess.run(
        [word_count, f"popen//python={python.executable}"],
        input="to be or not to be\nthat is not to be\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "3 to\n3 be\n2 not\n", done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(
    "spec, code, words",
    [
        ("popen//python=/no/such/python", 78, ["/no/such/python", "hint: "]),
        ("popen//colour=red", 2, ["colour", "hint: "]),
    ],
)
def test_errors_are_those_of_the_command(
    word_count: Path, spec: str, code: int, words: list[str]
) -> None:
    done = subprocess.run(
        [word_count, spec], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, done.stderr
    assert all(word in done.stderr for word in words), done.stderr


def test_a_python_is_found_where_none_is_named(word_count: Path) -> None:
    done = subprocess.run([word_count], input="a b a\n", capture_output=True, text=True, timeout=60)
    assert done.stdout == "2 a\n1 b\n", done.stderr
