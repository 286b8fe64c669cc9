"""What the command makes of its words, up to the moment it becomes an interpreter.

The package is a stand-in here: engines that are only names, and a boot file that tells what it
was told.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONTROL = signal.SIGRTMIN + 8
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
TELL = """
import json, os, signal, sys
print(json.dumps({
    "told": json.loads(os.environ["ELSEWHERE_RUN"]), "seed": os.environ["PYTHONHASHSEED"],
    "pid": os.getpid(), "executable": sys.executable, "dev": sys.flags.dev_mode,
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))}))
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / f"_elsewhere{SUFFIX}").touch()
    (folder / "_boot.py").write_text(TELL)
    return folder


@pytest.fixture
def run(command: str, package: Path, tmp_path: Path) -> Run:
    def call(*words: str | bytes, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *words],
            env={**os.environ, "ELSEWHERE_PACKAGE": str(package), **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return call


def told(run: Run, *words: str | bytes, **environment: str) -> dict[str, Any]:
    done = run("run", *words, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    tells: dict[str, Any] = json.loads(done.stdout)
    return tells


def refused(done: subprocess.CompletedProcess[str], code: int) -> str:
    lines = done.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["error", "hint"], done.stderr
    assert (done.returncode, done.stdout) == (code, "")
    return done.stderr


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fly"],
        ["--fly"],
        ["run", "--fly", "a.py"],
        ["run", "-z", "a.py"],
        ["run", "--snapshot"],
        ["run", "--snapshot", "", "-c", ""],
        ["run", "--fresh=yes", "-c", ""],
        ["run", "--grace", "soon", "-c", ""],
        ["run", "--grace=-1s", "-c", ""],
        ["run", "--python", "'open", "-c", ""],
        ["run", "-m"],
        ["suspend"],
        ["suspend", "x"],
        ["suspend", "-1"],
        ["suspend", "1", "2"],
        ["resume"],
        ["resume", "a", "b"],
        ["resume", "a", "--fly"],
        ["inspect"],
    ],
    ids=" ".join,
)
def test_wrong_words_are_a_usage_error(run: Run, words: list[str]) -> None:
    refused(run(*words), 2)


@pytest.mark.parametrize("command_name", ["run", "suspend", "resume", "inspect", None])
def test_help_is_data(run: Run, command_name: str | None) -> None:
    done = run(*filter(None, [command_name, "--help"]))
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: elsewhere" in done.stdout


def test_version_is_the_packages(run: Run) -> None:
    assert run("--version").stdout == f"elsewhere {importlib.metadata.version('elsewhere')}\n"


def test_output_that_cannot_be_written_is_an_error(command: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([command, "--help"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 74


def test_a_missing_script_is_66(run: Run) -> None:
    assert "none.py" in refused(run("run", "none.py"), 66)


def test_flags_end_at_the_script(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    tells = told(run, "a.py", "--fresh", "-c", "", b"caf\xe9", 'q"\\\n\u20ac')["told"]
    assert (tells["target"], tells["program"]) == ("script", "a.py")
    assert tells["arguments"] == ["--fresh", "-c", "", "caf\udce9", 'q"\\\n\u20ac']
    assert os.fsencode(tells["arguments"][3]) == b"caf\xe9"


@pytest.mark.parametrize(("flag", "target"), [("-c", "command"), ("-m", "module")])
def test_flags_end_at_code_and_module(run: Run, flag: str, target: str) -> None:
    tells = told(run, flag, "what", "--fresh", "-m", "more")["told"]
    assert (tells["mode"], tells["target"], tells["program"]) == ("run", target, "what")
    assert tells["arguments"] == ["--fresh", "-m", "more"]


def test_paths_and_times_are_told_in_full(run: Run, tmp_path: Path) -> None:
    tells = told(run, "--snapshot=a.snap", "--grace", "1500ms", "-c", "", XDG_STATE_HOME="/state")
    assert tells["told"]["snapshot"] == str(tmp_path / "a.snap")
    assert tells["told"]["grace"] == 1.5
    assert tells["told"]["default_snapshot_dir"] == "/state/elsewhere"
    relative = told(run, "-c", "", XDG_STATE_HOME="state", HOME="/home/me")["told"]
    assert relative["default_snapshot_dir"] == "/home/me/.local/state/elsewhere"


def test_the_process_stays_and_signals_wait(command: str, package: Path) -> None:
    environment = {**os.environ, "ELSEWHERE_PACKAGE": str(package)}
    with subprocess.Popen(
        [command, "run", "-c", ""],
        env=environment,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]),
    ) as process:
        tells = json.loads(process.communicate()[0])
    assert tells["pid"] == process.pid
    assert set(tells["blocked"]) == {signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, CONTROL}
    assert tells["told"]["original_signal_mask"] == [signal.SIGUSR2]


def test_the_hash_seed_is_pinned_anew_where_none_is_asked_for(run: Run) -> None:
    runs = [told(run, "-c", "", PYTHONHASHSEED="random") for _ in range(3)]
    seeds = {tells["told"]["hash_seed"] for tells in runs}
    assert len(seeds) == 3
    assert all(0 < seed < 2**32 for seed in seeds)
    assert all(tells["seed"] == str(tells["told"]["hash_seed"]) for tells in runs)
    assert {tells["told"]["original_hash_seed"] for tells in runs} == {"random"}


@pytest.mark.parametrize("asked", ["0", "5", "4294967295"])
def test_a_hash_seed_that_is_asked_for_is_pinned(run: Run, asked: str) -> None:
    tells = told(run, "-c", "", PYTHONHASHSEED=asked)
    assert tells["seed"] == tells["told"]["original_hash_seed"] == asked
    assert tells["told"]["hash_seed"] == int(asked)


def test_python_is_a_path_with_arguments_and_quoted_blanks(run: Run, tmp_path: Path) -> None:
    link = tmp_path / "my python"
    link.symlink_to(os.path.realpath(sys.executable))
    tells = told(run, "--python", f"'{link}' -X dev", "-c", "")
    assert (tells["executable"], tells["dev"]) == (str(link), True)
    assert tells["told"]["interpreter_arguments"] == ["-X", "dev"]
    assert told(run, "--python", str(link), "-c", "")["executable"] == str(link)


def test_python_is_a_name_or_a_version(run: Run, tmp_path: Path) -> None:
    version = "{}.{}".format(*sys.version_info)
    link = tmp_path / f"python{version}"
    link.symlink_to(os.path.realpath(sys.executable))
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert told(run, "--python", link.name, "-c", "", PATH=path)["executable"] == str(link)
    by_version = told(run, "--python", version, "-c", "", PATH=path)["executable"]
    assert os.path.realpath(by_version) == os.path.realpath(sys.executable)


def test_the_default_python_is_the_one_beside_the_command(run: Run) -> None:
    assert told(run, "-c", "")["executable"] == os.path.join(sys.prefix, "bin", "python")


def test_a_python_without_engine_is_78_and_the_others_are_named(run: Run, package: Path) -> None:
    (package / f"_elsewhere{SUFFIX}").unlink()
    for tag in ("cpython-310-x86_64-linux-gnu", "cpython-39-x86_64-linux-gnu"):
        (package / f"_elsewhere.{tag}.so").touch()
    assert "version of 3.9, 3.10\n" in refused(run("run", "-c", ""), 78)


@pytest.mark.parametrize("name", ["/bin/ls", "/none/python", "no-such-python", "3.99"])
def test_what_is_no_python_is_78(run: Run, name: str) -> None:
    assert name in refused(run("run", "--python", name, "-c", ""), 78)


@pytest.mark.parametrize(
    "words",
    [["run", "--snapshot", "notes", "-c", ""], ["resume", "notes"], ["inspect", "notes"]],
    ids=" ".join,
)
def test_a_file_that_is_no_snapshot_is_65_and_stays(
    run: Run, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "notes").write_text("precious")
    assert "notes is not a snapshot" in refused(run(*words), 65)
    assert (tmp_path / "notes").read_text() == "precious"


@pytest.mark.parametrize("name", ["resume", "inspect"])
def test_a_missing_snapshot_is_66(run: Run, name: str) -> None:
    refused(run(name, "none.snap"), 66)


def test_a_snapshot_that_could_not_be_written_is_73_at_once(run: Run) -> None:
    refused(run("run", "--snapshot", "none/a.snap", "-c", ""), 73)


def test_arguments_that_do_not_fit_are_an_error(run: Run) -> None:
    words = ["x" * 100_000, "y" * 100_000]
    assert "too long" in refused(run("run", "-c", "", *words), 2)
