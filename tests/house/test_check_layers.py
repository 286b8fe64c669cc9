"""tools/check_layers fails for each rule of layers.toml that is broken, and only then."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree that keeps every rule."""
    shutil.copy(ROOT / "layers.toml", tmp_path)
    write(tmp_path, "core/base/error.hpp", "#include <string>\n")
    write(tmp_path, "engine/cpython/py311.c", "#include <internal/pycore_frame.h>\n")
    write(tmp_path, "engine/cpython/ref.hpp", "#include <Python.h>\n#if PY_VERSION_HEX\n#endif\n")
    write(tmp_path, "engine/snapshot/file.cpp", '#include "core/base/error.hpp"\n')
    write(tmp_path, "engine/frame/capture.cpp", '#include "engine/cpython/ref.hpp"\n')
    write(tmp_path, "cli/main.cpp", "#include <nlohmann/json.hpp>\n")
    write(tmp_path, "python/elsewhere/__init__.py", "import os\nfrom elsewhere import errors\n")
    write(tmp_path, "ARCHITECTURE.md", "See `core/base/error.hpp` and `engine/cpython/py3??.c`.\n")
    write(tmp_path, "CONTRIBUTING.md", "Run `make test`, `build/dev/x`.\n")
    return tmp_path


def write(tree: Path, path: str, text: str) -> None:
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)


def check(tree: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/check_layers"), str(tree)],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_tree_that_keeps_the_rules_passes(tree: Path) -> None:
    assert check(tree) == (0, "")


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("core/base/bad.hpp", "#include <Python.h>\n", "may not include <Python.h>"),
        ("engine/snapshot/bad.cpp", "#  include <Python.h>\n", "may not include <Python.h>"),
        ("cli/bad.cpp", '#include "Python.h"\n', "may not include <Python.h>"),
        (
            "engine/frame/bad.cpp",
            "#include <internal/pycore_frame.h>\n",
            "may not include <internal/pycore_frame.h>",
        ),
        (
            "engine/cpython/abi.c",
            '#include "pycore_frame.h"\n',
            "may not include <pycore_frame.h>",
        ),
        (
            "engine/frame/bad.cpp",
            '#include "engine/object/image.hpp"\n',
            "engine/frame may not include engine/object",
        ),
        (
            "engine/cpython/bad.hpp",
            '#include "engine/frame/record.hpp"\n',
            "engine/cpython may not include engine/frame",
        ),
        (
            "core/base/bad.cpp",
            '#include "engine/snapshot/file.hpp"\n',
            "core/base may not include engine/snapshot",
        ),
        (
            "cli/bad.cpp",
            '#include "engine/object/image.hpp"\n',
            "cli may not include engine/object",
        ),
        ("engine/object/bad.cpp", "#include <nlohmann/json.hpp>\n", "may not include <nlohmann"),
        ("engine/frame/bad.cpp", '#include "record.hpp"\n', "no path from the repository root"),
        ("engine/frame/bad.cpp", "#if PY_VERSION_HEX > 1\n", "PY_VERSION_HEX is not for"),
        ("engine/object/bad.hpp", "int v = PY_MINOR_VERSION;\n", "PY_MINOR_VERSION is not for"),
        ("core/stray.cpp", "int x;\n", "belongs to no layer"),
        ("python/elsewhere/bad.py", "import numpy\n", "imports numpy"),
        ("python/elsewhere/_keep/bad.py", "def f():\n    from attr import s\n", "imports attr"),
        ("core/base/long.cpp", "\n" * 601, "has 601 lines"),
        ("ARCHITECTURE.md", "Look into `engine/gone.cpp`.\n", "names engine/gone.cpp"),
        ("CONTRIBUTING.md", "See `nowhere/`.\n", "names nowhere/"),
    ],
)
def test_a_broken_rule_fails_and_names_the_line(
    tree: Path, path: str, text: str, said: str
) -> None:
    write(tree, path, text)
    code, output = check(tree)
    assert code == 1
    assert len(output.splitlines()) == 1
    assert output.startswith(f"{path}:")
    assert said in output


def test_a_word_in_a_comment_is_no_breach(tree: Path) -> None:
    write(tree, "engine/frame/fine.cpp", "// PY_VERSION_HEX lives below\nint x;\n")
    assert check(tree) == (0, "")


def test_this_repository_keeps_the_rules() -> None:
    assert check(ROOT) == (0, "")
