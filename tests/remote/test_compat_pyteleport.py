"""Programs written for pyteleport move by elsewhere.compat.pyteleport."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def run(python: Any, package_parent: str, tmp_path: Path) -> Any:
    def ended(text: str) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "program.py"
        script.write_text(text)
        return subprocess.run(
            [python.executable, str(script)],
            env={
                **os.environ,
                "PYTHONPATH": package_parent,
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "XDG_STATE_HOME": str(tmp_path / "state"),
                "TMPDIR": str(tmp_path),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return ended


def test_a_program_goes_on_as_many_and_each_knows_which_it_is(run: Any) -> None:
    done = run(
        "import atexit, os, sys\n"
        "from elsewhere.compat.pyteleport import tp_dummy\n"
        "start = os.getpid()\n"
        "atexit.register(sys.stdout.write, 'exit\\n')  # whole lines: the three write at once\n"
        "number = tp_dummy(n=3, pack_object=repr, unpack_object=eval, stack_method=None)\n"
        "sys.stdout.write(f'{number} {os.getpid() == start}\\n')\n"
        "sys.exit(3 if number == 1 else 0)\n"
    )
    assert sorted(done.stdout.splitlines()) == ["0 False", "1 False", "2 False", *["exit"] * 3]
    assert (done.returncode, done.stderr) == (3, "")


def test_values_are_given_to_those_that_go_on(run: Any) -> None:
    done = run(
        "from elsewhere.compat.pyteleport import tp_shell\n"
        "import sys\n"
        "def inside():\n"
        "    return tp_shell('bash', '-c', python=sys.executable, n=['a', {'b': 1}]), 'there'\n"
        "sys.stdout.write(f'{inside()}\\n')\n"
    )
    assert sorted(done.stdout.splitlines()) == ["('a', 'there')", "({'b': 1}, 'there')"]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_dumped_program_goes_on_in_this_process_when_it_is_loaded(
    run: Any, tmp_path: Path
) -> None:
    done = run(
        "import io, os\n"
        "from elsewhere.compat.pyteleport.snapshot import dump, load\n"
        "start, file = os.getpid(), io.BytesIO()\n"
        "def inside():\n"
        "    kept = [1, 2]\n"
        "    came = dump(file)\n"
        "    return came, kept\n"
        "came, kept = inside()\n"
        "print(came, kept, os.getpid() == start, flush=True)\n"
        "if came is None:\n"
        "    kept.append('not in the file')\n"
        "    file.seek(0)\n"
        "    load(file)()\n"
        "    print('not reached')\n"
        "print(any('memfd' in os.readlink(f'/proc/self/fd/{fd}') for fd in range(3, 9)\n"
        "          if os.path.exists(f'/proc/self/fd/{fd}')))\n"
    )
    assert done.stdout.splitlines() == ["None [1, 2] True", "True [1, 2] True", "False"]
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} <= {"program.py", "cache", "state"}


def test_what_cannot_be_kept_is_not_dumped(run: Any) -> None:
    done = run(
        "import io, socket\n"
        "from elsewhere.compat.pyteleport.snapshot import dump\n"
        "from elsewhere.errors import Refused\n"
        "held, file = socket.socket(), io.BytesIO()\n"
        "try:\n"
        "    dump(file)\n"
        "except Refused as error:\n"
        "    print(file.getvalue(), 'held' in str(error))\n"
    )
    assert (done.stdout, done.returncode, done.stderr) == ("b'' True\n", 0, "")


def test_an_asyncio_program_goes_on(run: Any) -> None:
    done = run(
        "import asyncio, os\n"
        "from elsewhere.compat.pyteleport import tp_dummy\n"
        "start = os.getpid()\n"
        "async def other(n):\n"
        "    await asyncio.sleep(0)\n"
        "    return n\n"
        "async def main():\n"
        "    task = asyncio.create_task(other(7))\n"
        "    tp_dummy()\n"
        "    print(await task, os.getpid() == start)\n"
        "asyncio.run(main())\n"
    )
    assert (done.stdout, done.returncode, done.stderr) == ("7 False\n", 0, "")
