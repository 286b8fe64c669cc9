"""Gateways by every way there is to a Python on this machine, for real where it runs here."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from controller import PING, Controller

FACTS = (
    "import os, sys, socket\\n"
    "channel.send([os.getpid(), os.getuid(), os.getcwd(), os.environ.get('COLOUR'), os.nice(0)])"
)


def run_python(python, package_parent, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": package_parent},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def answer(python, package_parent):
    """What `source`, executed through a gateway of `spec`, sends; the gateway then ends."""

    def ask(spec: str, source: str = FACTS) -> list:
        done = run_python(
            python,
            package_parent,
            f"import elsewhere\ngateway = elsewhere.makegateway({spec!r})\n"
            f"print(repr(gateway.remote_exec({source!r}.replace('\\\\n', chr(10))).receive(60)))\n"
            "gateway.exit()\ngateway.join(10)\nassert not gateway.hasreceiver()\n",
        )
        assert done.returncode == 0, done.stderr
        return eval(done.stdout)

    return ask


def needs(command: str) -> None:
    if shutil.which(command) is None:
        pytest.skip(f"there is no {command} here")


def needs_root() -> None:
    if os.getuid() != 0:
        pytest.skip("this takes root")


MODIFIERS = "env:COLOUR=green//nice=3//chdir=/usr"


# --- a jail --------------------------------------------------------------------------------------


@pytest.fixture
def jail() -> None:
    needs("bwrap")
    tried = subprocess.run(
        ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"], capture_output=True, text=True
    )
    if tried.returncode != 0:
        pytest.skip(f"bwrap makes no jail here: {tried.stderr}")


def test_a_jail_has_the_interpreter_and_nothing_to_write_to(jail, answer, tmp_path):
    told = answer(
        f"bwrap//{MODIFIERS}",
        "import os, sys, socket\n"
        "errors = []\n"
        "places = '/usr/x', os.path.expanduser('~/x'), '/etc/passwd', "
        f"{str(tmp_path / 'x')!r}\n"
        "for path in places:\n"
        "    try: open(path, 'a').close()\n"
        "    except EnvironmentError as e: errors.append(e.errno)\n"
        "open('/tmp/mine', 'w').close()\n"
        "try: socket.create_connection(('127.0.0.1', 9), 5)\n"
        "except EnvironmentError as e: errors.append(e.errno)\n"
        "interfaces = [name for _, name in socket.if_nameindex()]\n"
        "own = [os.getcwd(), os.environ['COLOUR'], os.nice(0), os.listdir('/tmp')]\n"
        "channel.send([errors, interfaces, own, sys.executable, os.listdir('/run')])",
    )
    errors, interfaces, own, executable, run = told
    # Read-only for three; the test's folder is hidden behind the jail's own /tmp, if it is there.
    assert errors[:3] == [30, 30, 30] and set(errors[:-1]) <= {30, 2}, errors
    assert errors[-1] in (111, 101), "the loopback is its own: nobody listens on it"
    assert interfaces == ["lo"] and own == ["/usr", "green", 3, ["mine"]] and run == []
    assert not Path("/tmp/mine").exists()
    assert not (tmp_path / "x").exists()


def test_a_jail_can_be_opened_by_an_option_of_bwrap(jail, answer, tmp_path):
    source = f"open({str(tmp_path / 'out')!r}, 'w').write('hi'); channel.send([])"
    answer(f"bwrap=--bind {tmp_path} {tmp_path}", source)
    assert (tmp_path / "out").read_text() == "hi"


# --- other users and namespaces ------------------------------------------------------------------


def test_sudo_is_another_user(answer):
    needs("sudo")
    needs_root()
    nobody = pwd.getpwnam("nobody")
    _, uid, cwd, colour, nice = answer(f"sudo=nobody//{MODIFIERS}")
    assert (uid, cwd, colour, nice) == (nobody.pw_uid, "/usr", "green", 3)


@pytest.fixture
def namespaces() -> Iterator[subprocess.Popen[str]]:
    """A process with a network of its own, and a hostname."""
    needs("nsenter")
    needs("unshare")
    needs_root()
    inside = subprocess.Popen(
        ["unshare", "--net", "--uts", "sh", "-c", "hostname inside; echo ready; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert inside.stdin is not None and inside.stdout is not None
    if inside.stdout.readline() != "ready\n":
        pytest.skip("there are no network namespaces here")
    yield inside
    inside.stdin.close()
    inside.wait(10)
    inside.stdout.close()


def test_nsenter_is_inside_the_namespaces_of_a_process(namespaces, answer):
    source = (
        "import socket\n"
        "channel.send([socket.gethostname(), [name for _, name in socket.if_nameindex()]])"
    )
    assert answer(f"nsenter={namespaces.pid}", source) == ["inside", ["lo"]]
    # Of one kind only.
    name, interfaces = answer(f"nsenter=--net {namespaces.pid}", source)
    assert name != "inside" and interfaces == ["lo"]


def test_a_namespace_that_is_gone_is_named(python, package_parent):
    needs("nsenter")
    done = run_python(
        python, package_parent, "import elsewhere; elsewhere.makegateway('nsenter=4194300')"
    )
    assert "Unreachable: the namespaces of process 4194300 are not there" in done.stderr


# --- any command ---------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["env COLOUR=red", "sh", "env A=B bash", "{python} -B"])
def test_any_command_that_ends_in_a_python_a_shell_or_nothing(words, answer):
    words = words.replace("{python} -B", sys.executable)
    _, uid, cwd, colour, nice = answer(f"cmd={words}//{MODIFIERS}")
    assert (uid, cwd, colour, nice) == (os.getuid(), "/usr", "green", 3)


def test_a_command_may_be_taken_apart_on_its_way(answer, sshd):
    _, _, cwd, _, _ = answer(f"cmd=ssh -T -F {sshd.config} far {{}}//{MODIFIERS}")
    assert cwd == "/usr"


def test_what_before_sets_up_is_there_behind_any_command(answer):
    source = "import os; channel.send([os.environ.get('PREPARED')])"
    assert answer("cmd=env//before=export PREPARED=yes", source) == ["yes"]


# --- containers ----------------------------------------------------------------------------------


def root_file_system() -> str:
    """A small Debian with a Python, made once for all runs; $ELSEWHERE_ROOT_FS: another one."""
    if given := os.environ.get("ELSEWHERE_ROOT_FS"):
        return given
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    root = Path(cache, "elsewhere-tests", "root-fs")
    if not root.exists():
        needs("debootstrap")
        fresh = root.with_name(f"root-fs.{os.getpid()}")
        fresh.mkdir(parents=True)
        words = ["debootstrap", "--variant=minbase", "--include=python3-minimal", "stable"]
        made = subprocess.run([*words, str(fresh)], capture_output=True, text=True)
        if made.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            pytest.skip(f"debootstrap: {made.stderr or made.stdout[-500:]}")
        try:
            fresh.rename(root)
        except OSError:  # another run was faster
            shutil.rmtree(fresh, ignore_errors=True)
    return str(root)


@pytest.fixture(scope="session")
def box() -> Iterator[str]:
    """A container of podman."""
    needs("podman")
    needs_root()
    root = root_file_system()
    name = f"elsewhere-test-{os.getpid()}"
    # Limits and groups that are allowed in a container, too; either runtime, as systems differ.
    limits = ["--ulimit=nofile=1000:1000", "--ulimit=nproc=1000:1000", "--network=none"]
    errors = []
    for runtime in [], ["--runtime=runc", "--cgroup-manager=cgroupfs"]:
        run = ["podman", *runtime, "run", "-d", "--rm", *limits, "--name", name]
        started = subprocess.run(
            [*run, "--rootfs", root, "sleep", "1000"], capture_output=True, text=True
        )
        if started.returncode == 0:
            break
        errors.append(started.stderr.strip()[-300:])
        subprocess.run(["podman", "rm", "-f", name], capture_output=True)
    else:
        pytest.skip(f"podman runs no container here: {errors}")
    try:
        yield name
    finally:
        subprocess.run(["podman", "kill", name], capture_output=True)


@pytest.mark.timeout(600)
def test_podman_is_inside_the_container(box, answer):
    pid, _, cwd, colour, nice = answer(f"podman={box}//{MODIFIERS}")
    assert (cwd, colour, nice) == ("/usr", "green", 3)
    assert pid < 1000, "numbers of its own"


@pytest.mark.timeout(600)
def test_a_worker_in_a_container_ends_with_its_controller(box, python, package_parent):
    done = run_python(
        python,
        package_parent,
        "import elsewhere, os, signal\n"
        f"gateway = elsewhere.makegateway('podman={box}')\n"
        "gateway.remote_exec('import time; channel.send(1); time.sleep(600)').receive(30)\n"
        "os.kill(gateway._pid, signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    assert done.returncode == -9, done.stderr
    ended = ["podman", "exec", box, "python3", "-c", _WAIT_FOR_THE_END]
    assert subprocess.run(ended, capture_output=True, text=True, timeout=60).stdout == "none\n"


_WAIT_FOR_THE_END = r"""
import os, time
def workers():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(pid) != os.getpid() and b"python" in open(f"/proc/{pid}/cmdline", "rb").read():
                yield pid
        except OSError:
            pass
end = time.monotonic() + 30
while time.monotonic() < end and list(workers()):
    time.sleep(0.1)
print(" ".join(workers()) or "none")
"""


def test_a_worker_that_was_killed_is_lost_though_the_command_says_all_is_well(
    python, package_parent, tmp_path
):
    """As `docker exec` may: the end of a worker is what it says itself, not an exit code."""
    stand_in = tmp_path / "docker"
    stand_in.write_text(
        '#!/bin/sh\n[ "$1 $2 $3" = "exec -i box" ] || exit 9\nshift 3\n"$@"\nexit 0\n'
    )
    stand_in.chmod(0o755)
    done = run_python(
        python,
        package_parent,
        "import elsewhere, os, signal\n"
        f"os.environ['PATH'] = {str(tmp_path)!r} + ':' + os.environ['PATH']\n"
        "gateway = elsewhere.makegateway('docker=box')\n"
        "channel = gateway.remote_exec('channel.receive()')\n"
        "os.kill(gateway.facts['pid'], signal.SIGKILL)\n"
        "try: channel.receive(20)\n"
        "except elsewhere.errors.Disconnected as error: print('lost')\n",
    )
    assert done.stdout == "lost\n", done.stderr


# --- links that are silently lost ----------------------------------------------------------------


def test_an_ssh_link_that_falls_silent_is_found_out(python, package_parent, sshd):
    """Its server stands still: no end, no error. The user's own options come first."""
    spec = sshd.spec("-o ServerAliveInterval=1 -o ServerAliveCountMax=2 far")
    done = run_python(
        python,
        package_parent,
        "import elsewhere, os, signal, time\n"
        f"gateway = elsewhere.makegateway({spec!r})\n"
        "server = gateway.remote_exec('import os; channel.send(os.getppid())').receive(20)\n"
        "channel = gateway.remote_exec('channel.receive()')\n"
        "os.kill(server, signal.SIGSTOP)\n"
        "begun = time.monotonic()\n"
        "try: channel.receive(60)\n"
        "except elsewhere.errors.Disconnected: print(time.monotonic() - begun < 30)\n"
        "finally: os.kill(server, signal.SIGCONT)\n",
    )
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize("native", [False, True], ids=["pure", "native"])
def test_a_worker_that_is_to_hear_something_ends_when_it_does_not(
    python, native, monkeypatch
) -> None:
    monkeypatch.setattr(Controller, "native", native)
    with Controller(python.executable, hello={"silence": 0.5}) as worker:
        for _ in range(6):
            worker.send(PING, 0, b"x")
            time.sleep(0.2)
        assert worker.process.poll() is None
        channel = worker.execute("import time; channel.send(1); time.sleep(60)")
        assert worker.get(channel) == 1
        assert worker.process.wait(20) != 0
    with Controller(python.executable, hello={"silence": 0.2}) as worker:
        worker.process.wait(20)  # idle


# --- programs that move --------------------------------------------------------------------------

MOVES = """
import os, sys, elsewhere
elsewhere.makegateway("popen//id=relay")
def moved():
    began, numbers = os.getpid(), [1, 2, 3]
    elsewhere.teleport(sys.argv[1])
    return sum(numbers), os.getpid() != began
print(*moved(), sys.stdin.readline().strip(), flush=True)
sys.exit(7)
"""


@pytest.mark.parametrize("way", ["bwrap", "cmd=env A=b", "via=relay", "popen//via=relay"])
def test_a_program_moves_by_any_way(way, python, package_parent, tmp_path, request):
    if way == "bwrap":
        request.getfixturevalue("jail")
    script = tmp_path / "moves.py"
    script.write_text(MOVES)
    done = subprocess.run(
        [python.executable, str(script), way],
        env={**os.environ, "PYTHONPATH": package_parent},
        cwd="/",  # a jail has a /tmp of its own, in which our folder may be missing
        input="typed\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.returncode) == ("6 True typed\n", 7), done.stderr
