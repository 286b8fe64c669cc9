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

    ended.package_parent = package_parent
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


def test_a_program_goes_on_from_a_file_that_python_runs(
    run: Any, python: Any, tmp_path: Path
) -> None:
    done = run(
        "import os, sys\n"
        "from elsewhere.compat.pyteleport import dump\n"
        "def inside(kept):\n"
        f"    return dump({str(tmp_path / 'program.pyc')!r}, return_={{'kept': kept}}), kept\n"
        "kept = [1, 2]\n"
        "came, same = inside(kept)\n"
        "print(came, same is kept, sys.argv[1:], flush=True)\n"
        "if came:\n"
        "    print(came['kept'] is kept)\n"
        "    sys.exit(3)\n"
    )
    assert (done.stdout, done.returncode, done.stderr) == ("None True []\n", 0, "")
    assert (tmp_path / "program.pyc").stat().st_mode & 0o777 == 0o600
    for _ in range(2):  # the file stays
        woken = subprocess.run(
            [python.executable, str(tmp_path / "program.pyc")],
            env={**os.environ, "PYTHONPATH": run.package_parent},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert woken.stdout == "{'kept': [1, 2]} True []\nTrue\n", woken.stderr
        assert (woken.returncode, woken.stderr) == (3, "")


def test_what_cannot_be_written_leaves_the_file_before(run: Any, tmp_path: Path) -> None:
    (tmp_path / "kept.pyc").write_bytes(b"before")
    done = run(
        "import socket\n"
        "from elsewhere.compat.pyteleport import dump\n"
        "from elsewhere.errors import Refused\n"
        "held = socket.socket()\n"
        "try:\n"
        f"    dump({str(tmp_path / 'kept.pyc')!r})\n"
        "except Refused:\n"
        "    held = held.close()\n"
        "try:\n"
        f"    dump({str(tmp_path / 'missing/program.pyc')!r})\n"
        "except FileNotFoundError as error:\n"
        "    print('goes on')\n"
    )
    assert (done.stdout, done.returncode, done.stderr) == ("goes on\n", 0, "")
    assert (tmp_path / "kept.pyc").read_bytes() == b"before"


def test_files_go_along_and_a_value_is_returned(run: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("along")
    done = run(
        "import os, sys\n"
        "from elsewhere.compat.pyteleport import tp_shell\n"
        "from elsewhere.compat.pyteleport.storage import socket_transmission_engine as engine\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "start = os.getpid()\n"
        "try:\n"
        "    tp_shell('bash', '-c', files=['missing.txt'])\n"
        "except FileNotFoundError:\n"
        "    print('here', os.getpid() == start, flush=True)\n"
        "came = tp_shell('bash', '-c', python=sys.executable, return_=['a'],\n"
        "                files=['notes.txt'], object_storage_protocol=engine)\n"
        "print(came, os.getpid() == start, open('notes.txt').read())\n"
        f"print(os.path.samefile('.', {str(tmp_path)!r}))\n"
    )
    assert done.stdout == "here True\na False along\nFalse\n", done.stderr
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("asked", ["n=2, return_=[1]", "n=0", "return_=[]", "unknown=1"])
def test_what_makes_no_sense_is_refused(run: Any, asked: str) -> None:
    done = run(
        "from elsewhere.compat.pyteleport import tp_dummy\n"
        "try:\n"
        f"    tp_dummy({asked})\n"
        "except (TypeError, ValueError) as error:\n"
        "    print('here')\n"
    )
    assert (done.stdout, done.returncode, done.stderr) == ("here\n", 0, "")


def test_the_tunnel_that_pyteleport_asks_for_is_left_out(run: Any, sshd: Any) -> None:
    done = run(
        "import os, sys\n"
        "from elsewhere.compat.pyteleport import tp_bash\n"
        "start = os.getpid()\n"
        f"tp_bash('ssh', '-F', {str(sshd.config)!r}, '-o BatchMode=yes',\n"
        "        '-R {port}:localhost:{port}', '-R', '{host}:{port}:localhost:{port}',\n"
        "        'far', 'echo before;', python=sys.executable)\n"
        "print('there', os.getpid() == start)\n"
    )
    assert (done.stdout, done.returncode) == ("there False\n", 0), done.stderr
    assert done.stderr == "before\n"
