"""The engine at the far end of a gateway: brought, kept by its hash, or done without."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

ECHO = """
import elsewhere, sys
gateway = elsewhere.makegateway(sys.argv[1])
channel = gateway.remote_exec("for item in channel: channel.send(item)")
for value in (1, b"x" * 300_000, {"k": [None, 2.5]}):
    channel.send(value)
    assert channel.receive() == value
print(type(gateway.why_pure).__name__, gateway.why_pure)
gateway.exit()
"""


def why_pure(python, package_parent, spec: str, **environment: str) -> str:
    """What an echo says of its worker: "" where the channels are native there."""
    ended = subprocess.run(
        [python.executable, "-c", ECHO, spec],
        env={**os.environ, "PYTHONPATH": package_parent, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout.startswith("str "), ended.stderr
    assert not ended.stderr
    return ended.stdout[4:-1]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def pushed(cache: Path) -> dict[str, str]:
    return {"ELSEWHERE_PUSH": "1", "XDG_CACHE_HOME": str(cache)}


def test_a_worker_on_this_machine_is_native(python, package_parent) -> None:
    assert why_pure(python, package_parent, "popen") == ""


def test_a_worker_over_ssh_is_native(python, package_parent, sshd) -> None:
    assert why_pure(python, package_parent, f"{sshd.spec()}//python={python.executable}") == ""


def test_a_spec_may_do_without(python, package_parent) -> None:
    assert why_pure(python, package_parent, "popen//engine=no") == "no engine was offered"


def test_what_is_sent_is_kept_for_the_next(python, package_parent, cache: Path) -> None:
    assert why_pure(python, package_parent, "popen", **pushed(cache)) == ""
    (kept,) = (cache / "elsewhere").iterdir()
    assert len(kept.name) == 64 and kept.stat().st_mode & 0o077 == 0
    times = kept.stat().st_mtime_ns, kept.stat().st_ino
    assert why_pure(python, package_parent, "popen", **pushed(cache)) == ""
    assert (kept.stat().st_mtime_ns, kept.stat().st_ino) == times


def test_what_nobody_uses_is_not_kept_for_ever(python, package_parent, cache: Path) -> None:
    folder = cache / "elsewhere"
    folder.mkdir(0o700, parents=True)
    for name, days in ("of long ago", 91), ("of this year", 89):
        (folder / name).touch()
        age = time.time() - days * 24 * 3600
        os.utime(folder / name, (age, age))
    assert why_pure(python, package_parent, "popen", **pushed(cache)) == ""
    found = {path.name for path in folder.iterdir()}
    assert "of this year" in found and "of long ago" not in found and len(found) == 2
    (kept,) = found - {"of this year"}
    os.utime(folder / kept, (1e9, 1e9))
    assert why_pure(python, package_parent, "popen", **pushed(cache)) == ""
    assert (folder / kept).stat().st_mtime > time.time() - 600, "its use was not noted"


def test_a_kept_file_that_was_changed_is_sent_again(python, package_parent, cache: Path) -> None:
    assert why_pure(python, package_parent, "popen", **pushed(cache)) == ""
    (kept,) = (cache / "elsewhere").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:1000])
    assert why_pure(python, package_parent, "popen", **pushed(cache)) == ""
    assert kept.read_bytes() == whole


def test_a_kept_file_is_checked_whatever_its_times(python, package_parent, cache: Path) -> None:
    assert why_pure(python, package_parent, "popen", **pushed(cache)) == ""
    (kept,) = (cache / "elsewhere").iterdir()
    whole, times = kept.read_bytes(), kept.stat()
    kept.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    os.utime(kept, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert why_pure(python, package_parent, "popen", **pushed(cache)) == ""
    assert kept.read_bytes() == whole


def test_without_a_place_to_keep_it_it_lives_in_memory(python, package_parent, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert why_pure(python, package_parent, "popen", **pushed(tmp_path / "file")) == ""


def test_an_offer_for_another_python_than_the_one_there_is_made_again(
    python, package_parent, tmp_path: Path
) -> None:
    tag = "cpython-300-sparc"
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys, elsewhere._travel.luggage as luggage\n"
        "import elsewhere._gateway.gateway as gateways\n"
        "right, here = luggage.link_path, gateways.facts_here()\n"
        f"there = {{**here, 'tag': {tag!r}}}\n"
        "asked = []\n"
        "def link_path(tag):\n"
        "    asked.append(tag)\n"
        "    return right(here['tag'])\n"
        "luggage.link_path, gateways.facts_here = link_path, lambda: there\n"
        + ECHO
        + "if gateway.why_pure == '':\n"
        + f"    assert asked[0] == {tag!r} and asked[-1] == here['tag'], asked\n"
    )
    for spec in ("popen//warm=no", "popen//warm=no//engine=no"):
        for pushed in ({}, {"ELSEWHERE_PUSH": "1"}):
            ended = subprocess.run(
                [python.executable, str(script), spec],
                env={**os.environ, "PYTHONPATH": package_parent, **pushed},
                capture_output=True,
                text=True,
                timeout=60,
            )
            if "engine=no" in spec:
                assert ended.stdout == "str no engine was offered\n"
            else:
                assert (ended.stdout, ended.stderr) == ("str \n", "")


def test_an_engine_that_cannot_be_loaded_is_done_without(
    python, package_parent, tmp_path: Path
) -> None:
    spoilt = tmp_path / "spoilt.so"
    spoilt.write_bytes(b"no library")
    script = tmp_path / "script.py"
    script.write_text(
        "import elsewhere._travel.luggage as luggage\n"
        f"luggage.link_path = lambda tag: {str(spoilt)!r}\n" + ECHO
    )
    ended = subprocess.run(
        [python.executable, str(script), "popen"],
        env={**os.environ, "PYTHONPATH": package_parent},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout.startswith("str ") and "spoilt.so" in ended.stdout, ended.stderr
