"""A running program goes on in another interpreter, and its old process is a pipe to it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import moving_programs as programs
import pytest

SECONDS = 60


@pytest.fixture
def environment(package_parent: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": package_parent,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture(params=["popen", "pushed", "ssh"])
def spec(request: pytest.FixtureRequest, environment: dict[str, str]) -> str:
    """A way to go; `pushed`: as if nothing of elsewhere were on the far side."""
    if request.param == "pushed":
        environment["ELSEWHERE_PUSH"] = "1"
    if request.param == "ssh":
        there: str = request.getfixturevalue("sshd").spec()
        return there
    return "popen"


@pytest.fixture
def run(
    python, environment: dict[str, str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    def started(
        text: str, spec: str, input: str = "", command: list[str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "program.py"
        script.write_text(text.replace("SPEC", repr(spec)).replace("HERE", str(tmp_path / "own")))
        return subprocess.run(
            [*(command or [python.executable]), str(script)],
            env=environment,
            input=input,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            cwd=tmp_path,
        )

    return started


def test_it_goes_on_in_the_middle_of_an_expression_in_another_process(run, spec) -> None:
    ended = run(programs.NESTED, spec)
    assert ended.returncode == 0, ended.stderr
    (first, hi), (second, *bye) = (line.split() for line in ended.stdout.splitlines())
    assert (hi, bye) == ("hi", ["bye", "87.5"]) and first != second


def test_within_a_machine_files_and_pipes_stay_the_very_same(python, environment, tmp_path) -> None:
    script, data = tmp_path / "program.py", tmp_path / "data"
    script.write_text(
        "import elsewhere, os, sys\n"
        "sys.stdout.write(sys.stdin.readline())\n"
        "before = [os.fstat(n)[:2] for n in range(3)]\n"
        "elsewhere.teleport('popen')\n"
        "print(before == [os.fstat(n)[:2] for n in range(3)], sys.stdin.readline(), flush=True)\n"
    )
    data.write_text("one\ntwo\n")
    with data.open() as source, (tmp_path / "out").open("w+") as sink:
        sink.write("zero ")
        sink.flush()
        subprocess.run(
            [python.executable, str(script)],
            env=environment,
            stdin=source,
            stdout=sink,
            check=True,
            timeout=SECONDS,
        )
        sink.write("three")
        sink.seek(0)
        assert sink.read() == "zero one\nTrue two\n\nthree"


def test_what_was_imported_to_leave_is_not_imported_there(run, environment) -> None:
    environment["ELSEWHERE_PUSH"] = "1"
    text = """
import atexit, elsewhere, sys
def ours():
    return {name.partition(".")[2].partition(".")[0] for name in sys.modules
            if name.startswith("elsewhere.")}
unwanted = {"_gateway", "_keep", "_state_modules"}
if atexit._ncallbacks():  # of `site`: they come along, by these
    unwanted -= {"_keep", "_state_modules"}
elsewhere.teleport("popen")
print(sorted(ours() & unwanted), "errors" in ours())
print(elsewhere.Group.__name__, "_gateway" in ours())
"""
    assert run(text, "popen").stdout == "[] True\nGroup True\n"


def test_a_program_that_made_sigpipe_deadly_survives_a_move_that_fails(run) -> None:
    text = """
import elsewhere, os, signal
from elsewhere._travel import program
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
rebuild = program.Program.rebuild
def killed(self):
    self.kill()
    os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
    rebuild(self)
program.Program.rebuild = killed
try:
    elsewhere.teleport("popen")
except elsewhere.errors.RemoteFailure as error:
    print("goes on", "signal 9" in str(error))
"""
    assert run(text, "popen").stdout == "goes on True\n"


def test_a_program_under_run_moves_too(run, spec, python, command) -> None:
    words = [command, "run", "--python", python.executable]
    ended = run(programs.NESTED, spec, command=words)
    assert ended.returncode == 0 and "bye 87.5" in ended.stdout, ended.stderr


def test_stdio_and_exit_code_are_as_if_it_had_never_left(run, spec) -> None:
    ended = run(programs.STDIO, spec, input="one\ntwo\nthree\n")
    assert ended.stdout == "first 'one\\n' rest 'two\\nthree\\n'\n", ended.stderr
    assert (ended.returncode, ended.stderr) == (7, "errors\n")


def test_ten_megabytes_pass_in_both_directions(run, spec) -> None:
    text = (
        "import elsewhere, sys\nelsewhere.teleport(SPEC)\n"
        "for line in sys.stdin:\n    sys.stdout.write(line)\n"
    )
    sent = "".join(f"{number:015d}\n" for number in range(10 << 16))
    assert run(text, spec, input=sent).stdout == sent


def test_it_goes_on_and_on(run, spec) -> None:
    ended = run(programs.THERE_AND_FURTHER, spec)
    assert ended.stdout == "4 4\n", ended.stderr


def test_its_own_modules_go_along_also_those_that_are_imported_later(run, spec, tmp_path) -> None:
    own = tmp_path / "own"
    (own / "own_package").mkdir(parents=True)
    (own / "own_early.py").write_text("counter = 41\ncounter += 1\n")
    (own / "own_late.py").write_text("WORD = 'late'\ndef shout():\n    return WORD.upper()\n")
    (own / "own_package/__init__.py").write_text("")
    (own / "own_package/part.py").write_text("from own_late import WORD\n")
    hidden = programs.LATE.replace(
        "elsewhere.teleport(SPEC)\n",
        "elsewhere.teleport(SPEC)\nsys.path.remove('HERE')\n",
    )
    assert run(hidden, spec).stdout == ""  # it needs the folder: there is no other way to it
    ended = run(programs.LATE, spec)
    lines = ended.stdout.splitlines()
    assert lines[0] == f"42 late late {own}/own_late.py", ended.stderr
    assert lines[1:] == ["def shout():", "    return WORD.upper()"]


# Leads to the folder in the process that opened it, and nowhere in another.
ONLY_HERE = """
import elsewhere, fcntl, inspect, os, sys
folder = fcntl.fcntl(os.open("HERE", os.O_RDONLY), fcntl.F_DUPFD_CLOEXEC, 200)
sys.path.insert(0, f"/proc/self/fd/{folder}")
elsewhere.teleport(SPEC)
assert not os.path.exists(sys.path[0])
"""


def test_a_module_that_only_the_origin_can_see_is_sent(run, spec, tmp_path) -> None:
    own = tmp_path / "own"
    (own / "own_package").mkdir(parents=True)
    (own / "own_late.py").write_text("import os\nPID = os.getpid()\n\ndef word():\n    return 1\n")
    (own / "own_package/__init__.py").write_text("")
    (own / "own_package/part.py").write_text("from own_late import PID\n")
    ended = run(
        ONLY_HERE
        + "import own_package.part\n"
        + "import own_late\n"
        + "print(own_package.part.PID == os.getpid(), inspect.getsource(own_late.word).split())\n",
        spec,
    )
    assert ended.stdout == "True ['def', 'word():', 'return', '1']\n", ended.stderr


def test_a_module_that_cannot_be_read_at_the_origin_is_a_missing_one(run, spec, tmp_path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "own_bad.py").write_bytes(b"# coding: no-such-coding\n")
    text = "try:\n    import own_bad\nexcept ModuleNotFoundError:\n    print('goes on')\n"
    ended = run(ONLY_HERE + text, spec)
    assert (ended.returncode, ended.stdout) == (0, "goes on\n"), ended.stderr


def test_forked_children_of_a_moved_program_do_not_ask_in_its_name(run, spec, tmp_path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "own_late.py").write_text("")
    text = """
asked = []
from elsewhere._travel import arrival
tell = arrival._tell
arrival._tell = lambda *message: (asked.append(message), tell(*message))
child = os.fork()
if child == 0:
    try:
        import own_late
    except ModuleNotFoundError:
        os._exit(len(asked))
    os._exit(99)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
import own_late
print(len(asked))
"""
    ended = run(ONLY_HERE + text, spec)
    assert ended.stdout == "0\n1\n", ended.stderr


def test_a_link_that_is_lost_at_go_leaves_the_program_here_with_its_signals(run, sshd) -> None:
    """The connection is cut by the program's own hand at the last moment before GO."""
    text = """
import elsewhere, os, signal, subprocess
from elsewhere._travel import origin
leave = origin.Journey.leave
def cut(journey):
    os.kill(journey.gateway._pid, signal.SIGKILL)
    try:
        while True:
            journey.channel.receive()
    except EOFError:
        leave(journey)
origin.Journey.leave = cut
before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
try:
    elsewhere.teleport(SPEC)
except elsewhere.errors.Disconnected as error:
    print("goes on", signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before)
"""
    assert run(text, sshd.spec()).stdout == "goes on True\n"


def test_children_get_their_values_and_talk_to_their_parent(run, spec) -> None:
    ended = run(programs.FORK, spec)
    assert ended.stdout == "[('a', [True]), ({'b': 1, 'c': 2}, [True])] [1, 2]\nparent\n", (
        ended.stderr
    )


def test_death_by_a_signal_is_passed_on(run, spec) -> None:
    text = "import elsewhere, os\nelsewhere.teleport(SPEC)\nos.kill(os.getpid(), 15)\n"
    assert run(text, spec).returncode == -signal.SIGTERM


def test_a_signal_at_the_origin_reaches_the_program(
    python, environment, spec, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import elsewhere, signal, sys, time\n"
        "def handle(number, frame):\n    print('got', number)\n    sys.exit(5)\n"
        "signal.signal(signal.SIGUSR2, handle)\n"
        f"elsewhere.teleport({spec!r})\n"
        "print('ready', flush=True)\ntime.sleep(30)\n"
    )
    with subprocess.Popen(
        [python.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGUSR2)
        assert process.stdout.read() == "got 12\n"
    assert process.returncode == 5


def test_a_terminal_stays_a_terminal(python, environment, spec, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import elsewhere, os, time\n"
        f"elsewhere.teleport({spec!r})\n"
        "name = input('name? ')\n"
        "try:\n    print([os.isatty(n) for n in range(3)], *os.get_terminal_size(), name)\n"
        "    time.sleep(30)\nexcept KeyboardInterrupt:\n    print('interrupted')\n"
    )
    process, terminal = pty.fork()
    if process == 0:
        os.execve(python.executable, [python.executable, str(script)], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 25, 81, 0, 0))
    shown = ""

    def until(text: str) -> None:
        nonlocal shown
        end = time.monotonic() + SECONDS
        while text not in shown and time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    shown += os.read(terminal, 4096).decode()
                except OSError:
                    break
        assert text in shown

    until("name? ")
    os.write(terminal, b"bob\r")
    until("[True, True, True] 81 25 bob")
    os.write(terminal, b"\x03")
    until("interrupted")
    assert os.waitpid(process, 0)[1] == 0
    os.close(terminal)


# ---- what cannot be ------------------------------------------------------------------------------

GOES_ON = """
import elsewhere
try:
    elsewhere.teleport(SPEC)
except elsewhere.errors.Error as error:
    print(type(error).__name__, error.exit_code, error.message)
    print("hint", error.hint)
print("went on")
"""


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        ("popne", "UsageError 2", "popne"),
        ("popen//pyhton=3.12", "UsageError 2", "pyhton"),
        ("popen//python=/no/such/python", "Unsupported 78", "/no/such/python"),
        ("popen//python=>=3.99", "Unsupported 78", "3.99"),
        ("popen//python=python2.7", "Unsupported 78", "2.7"),
        ("popen//chdir=/no/such/place", "UsageError 2", "/no/such/place"),
        ("ssh={far}//chdir=/no/such/place", "UsageError 2", "/no/such/place"),
        ("ssh={far}//python=/no/such/python", "Unsupported 78", "/no/such/python"),
        ("popen//before=false", "RemoteFailure 1", "before=false"),
        ("ssh=no-such-host.invalid", "Unreachable 69", "no-such-host.invalid"),
        ("ssh={refused}", "Untrusted 77", "refused"),
        ("ssh={changed}", "Untrusted 77", "changed"),
    ],
)
def test_what_cannot_go_there_goes_on_here(run, sshd, wrong, kind, words) -> None:
    for host in ("far", "refused", "changed"):
        wrong = wrong.replace(f"{{{host}}}", f"{host}//ssh_config={sshd.config}")
    ended = run(GOES_ON, wrong)
    lines = ended.stdout.splitlines()
    assert lines[-1] == "went on", ended.stdout + ended.stderr
    assert lines[0].startswith(kind) and words in ended.stdout, ended.stdout
    assert any(line.startswith("hint ") and len(line) > 5 for line in lines), ended.stdout


def test_another_minor_is_no_place_to_go_on_but_is_named(run, python) -> None:
    other = next((v for v in ("3.11", "3.12", "3.13") if v != python.version), None)
    ended = run(GOES_ON, f"popen//python={other}")
    assert ended.stdout.startswith("Unsupported 78"), ended.stdout
    assert f"//python={python.version}" in ended.stdout and "went on" in ended.stdout


def test_python_2_is_no_place_to_go_on_but_is_one_for_a_gateway(run, python) -> None:
    ended = run(GOES_ON, "popen//python=python2.7")
    if "no Python" in ended.stdout:
        pytest.skip("there is no Python 2.7 here")
    assert ended.stdout.startswith("Unsupported 78"), ended.stdout
    assert f"{python.version}." in ended.stdout.splitlines()[1] and "went on" in ended.stdout
    text = (
        "import elsewhere\n"
        "gateway = elsewhere.makegateway(SPEC)\n"
        "channel = gateway.remote_exec('import sys; channel.send(sys.version_info[0])')\n"
        "print(channel.receive())\n"
    )
    assert run(text, "popen//python=python2.7").stdout == "2\n"


def test_a_closed_stdin_is_one_there_too(run, spec, python, tmp_path) -> None:
    text = (
        "import elsewhere, sys\n"
        "before = sys.stdin\n"
        "elsewhere.teleport(SPEC)\n"
        "print(before, sys.stdin, file=sys.stdout)\n"
    )
    ended = run(text, spec, command=["sh", "-c", 'exec "$@" <&-', "sh", python.executable])
    assert (ended.returncode, ended.stdout) == (0, "None None\n"), ended.stderr


def test_what_cannot_be_kept_is_named_and_stays(run, spec) -> None:
    text = "import socket\npair = socket.socketpair()\n" + GOES_ON
    ended = run(text, spec)
    assert "Refused 64" in ended.stdout and "pair" in ended.stdout, ended.stdout
    assert ended.stdout.endswith("went on\n")


def test_a_missing_file_there_leaves_the_program_here(run, sshd, tmp_path) -> None:
    text = (
        "file = open('data', 'w+'); file.write('x'); file.flush()\n"
        "class Gone:\n"
        "    def __reduce__(self):\n        return os_open, ('HERE/no',)\n"
        "def os_open(path):\n    return open(path)\n"
        "gone = Gone()\n" + GOES_ON
    )
    ended = run(text, sshd.spec())
    assert "FileNotFoundError" in ended.stdout and ended.stdout.endswith("went on\n"), ended.stdout


# ---- lost links ----------------------------------------------------------------------------------


def children_of(process: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True).stdout
    return [int(word) for word in found.split()]


def test_after_a_lost_link_it_is_a_snapshot_there(
    python, environment, sshd, command, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text(programs.STEPS.replace("SPEC", repr(sshd.spec())))
    with subprocess.Popen(
        [python.executable, str(script)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        printed = [process.stdout.readline() for _ in range(5)]
        for child in children_of(process.pid):
            os.kill(child, signal.SIGKILL)
        printed += process.stdout.readlines()
        told = process.stderr.read()
    assert process.returncode == 69, told
    found = re.search(r"into (\S+\.snap)", told)
    assert found is not None, told
    snapshot = Path(found.group(1))
    end = time.monotonic() + SECONDS
    while not snapshot.exists() and time.monotonic() < end:
        time.sleep(0.05)
    spooled = Path(f"{snapshot}.out")
    late = spooled.read_text() if spooled.exists() else ""
    again = subprocess.run(
        [command, "resume", str(snapshot)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    whole = "".join(f"{step}\n" for step in range(60)) + "total 1770\n"
    before, after = "".join(printed), late + again.stdout
    assert whole.startswith(before) and whole.endswith(after), again.stderr
    assert 0 <= len(whole) - len(before) - len(after) <= 6  # what was on its way is nowhere


def test_no_process_is_left_when_the_origin_is_killed(
    python, environment, spec, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import elsewhere, os, time\n"
        f"elsewhere.teleport({spec!r})\n"
        "from elsewhere._travel import arrival\n"
        "print(os.getpid(), os.getppid(), arrival.path, flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(
        [python.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        *numbers, snapshot = process.stdout.readline().split()
        there = [int(number) for number in numbers]
        process.kill()
    end = time.monotonic() + 20
    there = [pid for pid in there if pid != process.pid]
    while time.monotonic() < end and any(Path(f"/proc/{pid}").exists() for pid in there):
        time.sleep(0.1)
    assert not [pid for pid in there if Path(f"/proc/{pid}").exists()]
    assert Path(snapshot).exists()
    Path(snapshot).unlink()
