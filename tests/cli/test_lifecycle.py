"""What happens to a whole program under `elsewhere run`: its signals, its files, its lives."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from lives import SUSPENDED, Hung, in_one_life, life, wait

STEPS = """
import os, sys, time
def steps(n):
    for i in range(n):
        print("step", i, flush=True)
        while not os.path.exists(f"go{i}"):
            time.sleep(0.005)
        yield i
total = 0
for i in steps(4):
    total += i
print("total", total)
"""


@pytest.fixture
def start(command, python, tmp_path):
    """start(*words) runs the command in tmp_path/work; what its lives print goes into one file."""

    def started(*words, **environment):
        return life([command, *words], tmp_path, environment)

    (tmp_path / "work").mkdir()
    return started


@pytest.fixture
def run_words(python, tmp_path):
    return ["run", "--python", python.executable]


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "work/steps.py"
    path.write_text(STEPS)
    return str(path)


@pytest.fixture
def snapshot(tmp_path):
    return tmp_path / "steps.snap"


def printed(folder: Path) -> list[str]:
    return (folder / "stdout").read_text().splitlines()


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def at_step(folder: Path, number: int) -> None:
    until(lambda: (folder / "stdout").exists() and f"step {number}" in printed(folder))


def go(folder: Path, *numbers: int) -> None:
    for number in numbers:
        (folder / f"work/go{number}").touch()


ALL_STEPS = ["step 0", "step 1", "step 2", "step 3", "total 6"]


def test_the_same_command_line_goes_on_and_removes_the_snapshot_at_the_end(
    start, run_words, script, snapshot, tmp_path
):
    words = [*run_words, "--snapshot", str(snapshot), script]
    with start(*words) as process:
        at_step(tmp_path, 0)
        process.send_signal(signal.SIGTERM)
        assert wait(process, 20) == SUSPENDED
    assert snapshot.exists()
    assert snapshot.stat().st_mode & 0o777 == 0o600
    go(tmp_path, 0, 1)
    with start(*words) as process:
        at_step(tmp_path, 2)
        process.send_signal(signal.SIGTERM)
        assert wait(process, 20) == SUSPENDED
    go(tmp_path, 2, 3)
    with start(*words) as process:
        assert wait(process, 20) == 0
    assert printed(tmp_path) == ALL_STEPS
    assert not snapshot.exists()


def test_resume_goes_on_without_the_command_line(start, run_words, script, snapshot, tmp_path):
    with start(*run_words, "--snapshot", str(snapshot), script) as process:
        at_step(tmp_path, 0)
        process.send_signal(signal.SIGTERM)
        assert wait(process, 20) == SUSPENDED
    go(tmp_path, 0, 1, 2, 3)
    with start("resume", str(snapshot)) as process:
        assert wait(process, 20) == 0
    assert printed(tmp_path) == ALL_STEPS


def test_sigusr1_writes_a_snapshot_and_the_program_goes_on(
    start, run_words, script, snapshot, tmp_path
):
    with start(*run_words, "--snapshot", str(snapshot), script) as process:
        at_step(tmp_path, 0)
        process.send_signal(signal.SIGUSR1)
        until(snapshot.exists)
        copy = tmp_path / "copy.snap"
        copy.write_bytes(snapshot.read_bytes())
        go(tmp_path, 0, 1, 2, 3)
        assert wait(process, 20) == 0
    assert printed(tmp_path) == ALL_STEPS
    with start("resume", str(copy)) as process:
        assert wait(process, 20) == 0
    assert printed(tmp_path) == ALL_STEPS + ALL_STEPS[1:]


def test_suspend_writes_where_it_is_told(start, run_words, command, script, tmp_path):
    asked = tmp_path / "asked.snap"
    with start(*run_words, script) as process:
        at_step(tmp_path, 0)
        subprocess.run([command, "suspend", str(process.pid), "-o", str(asked)], check=True)
        assert wait(process, 20) == SUSPENDED
    go(tmp_path, 0, 1, 2, 3)
    with start("resume", str(asked)) as process:
        assert wait(process, 20) == 0
    assert printed(tmp_path) == ALL_STEPS


def test_without_a_snapshot_option_the_state_folder_is_used_and_named(
    start, run_words, script, tmp_path
):
    state = tmp_path / "state"
    with start(*run_words, script, XDG_STATE_HOME=str(state)) as process:
        at_step(tmp_path, 0)
        process.send_signal(signal.SIGTERM)
        assert wait(process, 20) == SUSPENDED
    (written,) = (state / "elsewhere").iterdir()
    assert str(written) in (tmp_path / "stderr").read_text()
    go(tmp_path, 0, 1, 2, 3)
    with start("resume", str(written)) as process:
        assert wait(process, 20) == 0
    assert printed(tmp_path) == ALL_STEPS


def test_sigterm_in_the_first_millisecond_is_not_lost(start, run_words, script, snapshot, tmp_path):
    with start(*run_words, "--snapshot", str(snapshot), script) as process:
        blocked = f"/proc/{process.pid}/status"
        until(lambda: sigterm_is_blocked(Path(blocked).read_text()))
        process.send_signal(signal.SIGTERM)
        assert wait(process, 20) == SUSPENDED
    go(tmp_path, 0, 1, 2, 3)
    with start("resume", str(snapshot)) as process:
        assert wait(process, 20) == 0
    assert printed(tmp_path) == ALL_STEPS


def sigterm_is_blocked(status: str) -> bool:
    masks = dict(line.split(":\t", 1) for line in status.splitlines() if line.startswith("Sig"))
    bit = 1 << (signal.SIGTERM - 1)
    return bool((int(masks["SigBlk"], 16) | int(masks["SigCgt"], 16)) & bit)


def test_a_program_keeps_its_own_sigterm_handler(start, run_words, command, snapshot, tmp_path):
    program = tmp_path / "work/own.py"
    program.write_text(
        "import os, signal, time\n"
        "def handler(number, frame):\n"
        "    print('mine', number, frame.f_code.co_name, flush=True)\n"
        "signal.signal(signal.SIGTERM, handler)\n"
        "print('step 0', flush=True)\n"
        "while not os.path.exists('go0'):\n"
        "    time.sleep(0.005)\n"
        "print(signal.getsignal(signal.SIGTERM) is handler)\n"
    )
    with start(*run_words, "--snapshot", str(snapshot), str(program)) as process:
        at_step(tmp_path, 0)
        process.send_signal(signal.SIGTERM)
        until(lambda: handled(tmp_path) == 1)
        subprocess.run([command, "suspend", str(process.pid)], check=True)
        assert wait(process, 20) == SUSPENDED
    with start("resume", str(snapshot)) as process:
        until(lambda: handles_sigterm(process.pid))
        process.send_signal(signal.SIGTERM)
        until(lambda: handled(tmp_path) == 2)
        go(tmp_path, 0)
        assert wait(process, 20) == 0
    assert printed(tmp_path)[-1] == "True"


def handled(tmp_path) -> int:
    return sum(line.startswith("mine 15 ") for line in printed(tmp_path))


def handles_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1))


@pytest.mark.parametrize("how", ["script", "module", "command"])
def test_a_program_sees_what_python_would_show_it(how, command, python, tmp_path):
    source = (
        "import os, sys\n"
        "print(__name__, sys.argv, sys.path[0], globals().get('__file__'), __package__)\n"
        "print(sorted(k for k in globals()), sys.flags.hash_randomization)\n"
        "print([k for k in os.environ if 'HASHSEED' in k or 'ELSEWHERE' in k])\n"
        "outside = sys._getframe().f_back\n"
        "print(outside and outside.f_code.co_name, __spec__ is None)\n"
        "print(sorted(m for m in sys.modules if 'elsewhere' in m))\n"
    )
    outcomes = []
    for folder, words in [("plain", [python.executable]), ("run", [command, "run"])]:
        work = tmp_path / folder / "work"
        work.mkdir(parents=True)
        (work / "shown.py").write_text(source)
        if folder == "run":
            words = [*words, "--python", python.executable]
        target = {"script": ["shown.py"], "module": ["-m", "shown"], "command": ["-c", source]}
        outcome = in_one_life([*words, *target[how], "a", "--b"], tmp_path / folder)
        text = outcome.stdout.decode().replace(str(work), "WORK")
        outcomes.append((outcome.code, text, outcome.stderr))
    plain, run = outcomes
    assert plain[0] == 0
    # That the package is there to be imported is the one thing that may show.
    assert run[1].splitlines()[:-1] == plain[1].splitlines()[:-1]
    assert run[0] == 0 and run[2] == b""


def test_tracebacks_show_source_where_the_file_is_gone(start, run_words, snapshot, tmp_path):
    program = tmp_path / "work/gone.py"
    program.write_text(
        "import inspect, os, time\n"
        "def fails(x):\n"
        "    return x / 0  # the line to show\n"
        "print('step 0', flush=True)\n"
        "while not os.path.exists('go0'):\n"
        "    time.sleep(0.005)\n"
        "print(inspect.getsource(fails))\n"
        "fails(1)\n"
    )
    with start(*run_words, "--snapshot", str(snapshot), str(program)) as process:
        at_step(tmp_path, 0)
        process.send_signal(signal.SIGTERM)
        assert wait(process, 20) == SUSPENDED
    program.unlink()
    go(tmp_path, 0)
    with start("resume", str(snapshot)) as process:
        assert wait(process, 20) == 1
    assert "def fails(x):" in printed(tmp_path)
    assert "return x / 0  # the line to show" in (tmp_path / "stderr").read_text()


def test_snapshot_says_which_life_it_is(start, run_words, tmp_path):
    program = tmp_path / "work/twice.py"
    program.write_text(
        "import elsewhere\n"
        "lives = []\n"
        "resumed = elsewhere.snapshot('here.snap')\n"
        "lives.append(resumed)\n"
        "print(resumed, lives)\n"
    )
    with start(*run_words, str(program)) as process:
        assert wait(process, 20) == 0
    with start("resume", "here.snap") as process:
        assert wait(process, 20) == 0
    assert printed(tmp_path) == ["False [False]", "True [True]"]


def test_children_are_not_told_about_elsewhere(start, run_words, tmp_path):
    program = tmp_path / "work/parent.py"
    program.write_text(
        "import subprocess, sys\n"
        "code = 'import os; print(sorted(k for k in os.environ if \"ELSEWHERE\" in k), '\n"
        "code += 'os.environ.get(\"PYTHONHASHSEED\"))'\n"
        "subprocess.run([sys.executable, '-c', code], check=True)\n"
        "import signal\n"
        "code = 'import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))'\n"
        "subprocess.run([sys.executable, '-c', code], check=True)\n"
    )
    with start(*run_words, str(program), PYTHONHASHSEED="7") as process:
        assert wait(process, 20) == 0
    ours = sorted(name for name in os.environ if "ELSEWHERE" in name)
    assert printed(tmp_path) == [f"{ours} 7", "set()"]


def test_death_by_a_signal_is_passed_on(start, run_words, tmp_path):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    with start(*run_words, "-c", code) as process:
        assert wait(process, 20) == -signal.SIGINT
    assert "KeyboardInterrupt" in (tmp_path / "stderr").read_text()


def test_a_bare_interpreter_can_import_the_package(python, package_parent):
    code = f"import sys; sys.path.insert(0, {package_parent!r}); import elsewhere; "
    code += "print(elsewhere.__version__, callable(elsewhere.suspend))"
    done = subprocess.run(
        [python.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[1] == "True"


@pytest.mark.parametrize(
    "wait_for",
    [
        "time.sleep(600)",
        "select.select([], [], [], 600)",
        "queue.SimpleQueue().get(True, 600)",
        "queue.Queue().get(timeout=600)",
        "threading.Event().wait(600)",
        "lock.acquire(True, 600)",
    ],
)
def test_a_long_wait_is_left_and_goes_on_for_the_remaining_time(
    wait_for, start, run_words, snapshot, tmp_path
):
    program = tmp_path / "work/waits.py"
    program.write_text(
        "import queue, select, threading, time\n"
        "lock = threading.Lock()\n"
        "lock.acquire()\n"
        "print('step 0', flush=True)\n"
        f"{wait_for}\n"
    )
    words = [*run_words, "--snapshot", str(snapshot), str(program)]
    with start(*words) as process:
        at_step(tmp_path, 0)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert wait(process, 8) == SUSPENDED
    # It waits again, for nearly all of the ten minutes.
    with start(*words) as process, pytest.raises(Hung):
        wait(process, 1)


def test_a_signal_that_comes_right_before_a_wait_is_not_seen_only_after_it(
    start, run_words, snapshot, tmp_path
):
    # What closes the pipe, and so brings the signal, is the end of the frame of seconds(); from
    # there to the call, CPython looks for signals no more, from 3.11 on.
    program = tmp_path / "work/late.py"
    program.write_text(
        "import fcntl, io, os, signal, time\n"
        "def seconds():\n"
        "    mine = writers.pop()\n"
        "    return 600\n"
        "reader, writer = os.pipe()\n"
        "writers = [io.FileIO(writer, 'w')]\n"
        "fcntl.fcntl(reader, fcntl.F_SETOWN, os.getpid())\n"
        "fcntl.fcntl(reader, 10, signal.SIGTERM)\n"  # F_SETSIG
        "fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC)\n"
        "time.sleep(seconds())\n"
    )
    with start(*run_words, "--snapshot", str(snapshot), str(program)) as process:
        assert wait(process, 8) == SUSPENDED


def test_a_forked_child_is_not_the_program(start, run_words, snapshot, tmp_path):
    program = tmp_path / "work/forks.py"
    program.write_text(
        "import os, signal, time\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    time.sleep(60)\n"
        "time.sleep(0.2)\n"
        "os.kill(child, signal.SIGTERM)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)\n"
        "open('marker', 'w').close()\n"
        "if not os.fork():\n"
        "    raise SystemExit(0)\n"
        "os.wait()\n"
        "print('step 0', flush=True)\n"
        "while not os.path.exists('go0'):\n"
        "    time.sleep(0.005)\n"
    )
    words = [*run_words, "--snapshot", str(snapshot), str(program)]
    with start(*words) as process:
        at_step(tmp_path, 0)
        assert not snapshot.exists()  # the child's SIGTERM was its own
        process.send_signal(signal.SIGTERM)
        assert wait(process, 20) == SUSPENDED
    go(tmp_path, 0)
    with start(*words) as process:
        assert wait(process, 20) == 0
    assert printed(tmp_path) == ["-15", "step 0"]
