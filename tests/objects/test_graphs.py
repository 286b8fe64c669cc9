"""Object graphs frozen in one process and thawed in a fresh one of the same Python.

Each program of graphs/ makes a graph under names of its own and `check(kept)`, a function that
travels with it and looks at what arrives. The process that thaws never sees the program's file.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import Python

GRAPHS = Path(__file__).parent / "graphs"
PROGRAMS = sorted(GRAPHS.glob("*.py"))

FREEZE = """
import runpy, sys
from elsewhere import _elsewhere
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
main = sys.modules["__main__"]
source = open(sys.argv[1]).read()
main.__dict__.update(__file__=sys.argv[1])
exec(compile(source, sys.argv[1], "exec"), main.__dict__)
with open("frozen", "wb") as file:
    file.write(_elsewhere.freeze((main.check, main.make())))
"""

THAW = """
from elsewhere import _elsewhere
with open("frozen", "rb") as file:
    check, kept = _elsewhere.thaw(file.read())
check(kept)
print("checked", end="")
"""


def run(python: Python, source: str, *arguments: str, folder: Path, package: str) -> str:
    ended = subprocess.run(
        [python.executable, "-X", "faulthandler", "-c", source, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": package, "PYTHONHASHSEED": "5"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_graph_arrives_as_it_left(
    python: Python, program: Path, package_parent: str, tmp_path: Path
) -> None:
    copy = tmp_path / program.name
    copy.write_text(program.read_text())
    run(python, FREEZE, str(copy), folder=tmp_path, package=package_parent)
    copy.unlink()
    assert run(python, THAW, folder=tmp_path, package=package_parent) == "checked"


def test_a_module_of_the_program_travels_with_its_state(
    python: Python, package_parent: str, tmp_path: Path
) -> None:
    (tmp_path / "own_helper.py").write_text(
        "import os\nPID = os.getpid()\ncount = [0]\n"
        "def bump():\n    count[0] += 1\n    return count[0], PID\n"
        "class Held:\n    def get(self): return bump()\n"
    )
    freeze = """
import sys
sys.path.insert(0, sys.argv[1])
import own_helper
from elsewhere import _elsewhere
own_helper.bump()
own_helper.PID = 77
with open("frozen", "wb") as file:
    file.write(_elsewhere.freeze((own_helper, own_helper.bump, own_helper.Held())))
"""
    run(python, freeze, str(tmp_path), folder=tmp_path, package=package_parent)
    (tmp_path / "own_helper.py").unlink()
    thaw = """
import sys
from elsewhere import _elsewhere
with open("frozen", "rb") as file:
    helper, bump, held = _elsewhere.thaw(file.read())
assert sys.modules["own_helper"] is helper and helper.bump is bump
print(bump(), held.get(), helper.__spec__.name)
"""
    told = run(python, thaw, folder=tmp_path, package=package_parent)
    assert told == "(2, 77) (3, 77) own_helper\n"


@pytest.mark.parametrize(
    ("setup", "path", "said"),
    [
        (
            "import os\nread, write = os.pipe()\nwaits = select.epoll()\nwaits.register(read)\n"
            "kept = {'pool': [0, waits], 'l': 1}",
            "object['pool'][1]",
            "epoll",
        ),
        ("kept = [{'a': socket.socket()}]", "object[0]['a']", "socket"),
        (
            "class Own:\n    def __reduce__(self): raise ValueError('no')\nkept = (1, Own())",
            "object[1]",
            "ValueError: no (cause: ValueError('no'))",
        ),
        (
            "class Meta(type):\n"
            "    def mro(cls): return [cls, object]\n"
            "class Own(metaclass=Meta): pass\nkept = Own()",
            "object",
            "the metaclass Meta of Own orders its bases with an mro() of its own",
        ),
    ],
)
def test_what_cannot_be_kept_is_named(
    python: Python, setup: str, path: str, said: str, package_parent: str, tmp_path: Path
) -> None:
    source = f"""
import select, socket
from elsewhere import _elsewhere, errors
{setup}
try:
    _elsewhere.freeze(kept)
except errors.Refused as error:
    print(error.message, "(cause:", repr(error.__cause__) + ")")
"""
    message = run(python, source, folder=tmp_path, package=package_parent)
    assert message.startswith(path)
    assert said in message
