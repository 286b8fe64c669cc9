"""What the wheel and the source distribution carry."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, found_pythons


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with (build / "wheel.lock").open("w") as lock:  # pytest's workers compile in one folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [*pip, "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)], check=True
        )
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_is_for_every_python_3_and_carries_an_engine_for_each_found(
    wheel: Path, unpacked: Path
) -> None:
    assert "-py3-none-linux" in wheel.name
    native = {path.name for path in (unpacked / "elsewhere").glob("*.so")}
    wanted = {f"{part}{p.suffix}" for p in found_pythons() for part in ("_elsewhere", "_link")}
    assert native == wanted
    assert wanted


def test_the_wheel_carries_the_package_the_types_and_the_command(unpacked: Path) -> None:
    sources = ROOT / "python/elsewhere"
    expected = {path.relative_to(sources).as_posix() for path in sources.rglob("*.py")}
    package = unpacked / "elsewhere"
    assert {path.relative_to(package).as_posix() for path in package.rglob("*.py")} == expected
    assert (package / "py.typed").exists()
    assert len(list(unpacked.glob("*.data/scripts/elsewhere"))) == 1
    stray = [path.name for path in unpacked.iterdir() if not path.name.startswith("elsewhere")]
    assert stray == []


def test_native_code_depends_on_glibc_alone(unpacked: Path) -> None:
    native = [*unpacked.glob("elsewhere/*.so"), *unpacked.glob("*.data/scripts/elsewhere")]
    assert native
    for path in native:
        dump = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=True)
        needed = set(re.findall(r"NEEDED\s+(\S+)", dump.stdout))
        assert needed <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}, path.name
        assert "RUNPATH" not in dump.stdout


def test_an_engine_exports_nothing_but_its_init_function(unpacked: Path) -> None:
    for path in unpacked.glob("elsewhere/*.so"):
        symbols = subprocess.run(
            ["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True
        )
        assert [line.split()[-1] for line in symbols.stdout.splitlines()] == ["PyInit__elsewhere"]


def test_the_source_distribution_holds_what_a_build_needs_and_no_build(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, scikit_build_core.build as b; b.build_sdist(sys.argv[1])",
        ]
        + [str(tmp_path)],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"CMakeLists.txt", "tools/find_pythons", "core/base/error.cpp", "LICENSE"} <= names
    assert {"python/elsewhere/py.typed", "python/bindings/module.cpp"} <= names
    assert not any(name.startswith(("build/", "dist/", ".venv/", ".ci/")) for name in names)
