"""`elsewhere serve`, and gateways by its sockets: who is let in, what a cut link does not do."""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import os
import pty
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Start = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has no token yet."""
    return {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def serve(command, home) -> Iterator[Start]:
    """Starts a server, answers the spec that it prints."""
    servers = []

    def start(*words: str, env: dict[str, str] = home) -> str:
        server = subprocess.Popen(
            [command, "serve", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        servers.append(server)
        assert server.stdout is not None and server.stderr is not None
        spec = server.stdout.readline().strip()
        assert spec, server.stderr.read()
        return spec

    start.servers = servers  # type: ignore[attr-defined]
    yield start
    for server in servers:
        server.terminate()
        server.communicate(timeout=30)
        assert server.returncode == 0


def token_of(spec: str) -> Path:
    return Path(spec.partition("//token=")[2])


@pytest.fixture
def run(python, package_parent, home):
    """Runs a program that has `gateway` of the spec."""

    def start(spec: str, body: str, env: dict[str, str] = home) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python.executable, "-c", f"import elsewhere\n{opening(spec)}{body}\n"],
            env={**env, "PYTHONPATH": package_parent},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            timeout=110,
        )

    return start


def opening(spec: str) -> str:
    return f"gateway = elsewhere.makegateway({spec!r})\n"


PID = "print(gateway.remote_exec('import os; channel.send(os.getpid())').receive() > 1)"


def test_a_token_of_its_own_lets_in_and_nobody_else_can_read_it(serve, run, tmp_path):
    spec = serve("127.0.0.1:0")
    token = token_of(spec)
    assert token == tmp_path / "config/elsewhere/token"
    for file in token, Path(f"{token}.pem"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = run(spec, PID)
    assert done.stdout == "True\n", done.stderr
    # It is found by itself, too, and lasts as long as its file.
    assert run(spec.partition("//")[0], PID).stdout == "True\n"


def test_modifiers_work_there_as_anywhere(serve, run):
    spec = serve("127.0.0.1:0") + "//python=>=3.9//before=export A=b//chdir=/usr//env:K=v"
    told = run(
        spec,
        "print(gateway.remote_exec(\n"
        '\'import os; channel.send([os.getcwd(), os.environ["A"], os.environ["K"]])\').receive())',
    )
    assert told.stdout == "['/usr', 'b', 'v']\n", told.stderr


def changed(token: Path, at: int) -> str:
    word = bytearray(base64.urlsafe_b64decode(token.read_text().strip() + "="))
    word[at] ^= 1
    return base64.urlsafe_b64encode(word).decode().rstrip("=")


@pytest.mark.parametrize(
    ("make", "mode", "says"),
    [
        (lambda token: changed(token, 0), 0o600, "Untrusted: 127.0.0.1:PORT refuses the token"),
        (lambda token: changed(token, -1), 0o600, "Untrusted: 127.0.0.1:PORT is another server"),
        (lambda token: token.read_text(), 0o644, "Untrusted: the token for 127.0.0.1:PORT is no"),
        (lambda token: "rubbish", 0o600, "Untrusted: 127.0.0.1:PORT asks for a token"),
    ],
    ids=["wrong secret", "wrong certificate", "readable by others", "no token"],
)
def test_who_has_not_the_token_is_refused_with_the_reason(serve, run, tmp_path, make, mode, says):
    spec = serve("127.0.0.1:0")
    other = tmp_path / "other"
    other.write_text(make(token_of(spec)))
    other.chmod(mode)
    way = spec.partition("//")[0]
    done = run(f"{way}//token={other}", PID)
    assert says.replace("PORT", way.rpartition(":")[2]) in done.stderr


def test_without_a_token_and_a_terminal_the_error_says_where_to_get_one(serve, run, home, tmp_path):
    spec = serve("127.0.0.1:0")
    done = run(spec.partition("//")[0], PID, {**home, "XDG_CONFIG_HOME": str(tmp_path / "empty")})
    assert "asks for a token" in done.stderr and "token=FILE" in done.stderr


def test_nothing_is_open_off_the_loopback(command, home):
    for address in "0.0.0.0:0", "[::]:0":
        done = subprocess.run(
            [command, "serve", "--no-token", address], capture_output=True, text=True, env=home
        )
        assert done.returncode == 2 and "anybody who reaches it" in done.stderr


def test_an_open_server_is_for_those_who_ask_for_one(serve, run):
    spec = serve("--no-token", "127.0.0.1:0")
    assert spec.endswith("//token=none")
    assert run(spec, PID).stdout == "True\n"
    done = run("socket=192.0.2.1:7//token=none", PID)
    assert "Untrusted: 192.0.2.1:7 needs a token" in done.stderr


def test_a_unix_socket_is_for_its_user(serve, run, tmp_path):
    path = tmp_path / "socket"
    spec = serve(str(path))
    assert spec == f"unix={path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run(spec, PID).stdout == "True\n"
    if os.getuid() == 0:
        os.chmod(tmp_path, 0o711)
        path.chmod(0o777)
        for parent in tmp_path.parents:
            if not parent.stat().st_mode & 0o1:
                return
        dial = (
            "import os, socket; os.setuid(65534); s = socket.socket(socket.AF_UNIX); "
            f"s.connect({str(path)!r}); s.sendall(b'elsewhere socket 1\\n' + bytes(49)); "
            "print(s.recv(1))"
        )
        told = subprocess.run(["python3", "-c", dial], capture_output=True, text=True)
        assert told.stdout == "b''\n" or "ConnectionReset" in told.stderr


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("socket=127.0.0.1:1", "Unreachable: 127.0.0.1:1 refuses the connection"),
        ("socket=no-such-host.invalid:7", "Unreachable: the name in no-such-host.invalid:7"),
        ("socket=nonsense", "UsageError: nonsense is no address"),
        ("unix=/no/such/socket", "Unreachable: /no/such/socket cannot be reached"),
        ("popen//token=x", "UsageError: `token` without `socket`"),
    ],
)
def test_what_cannot_be_reached_is_named(run, spec, says, tmp_path):
    token = tmp_path / "token"
    token.write_text(base64.urlsafe_b64encode(bytes(56)).decode().rstrip("="))
    token.chmod(0o600)
    done = run(f"{spec}//token={token}" if spec.startswith("socket") else spec, PID)
    assert says in done.stderr


def test_bytes_of_strangers_neither_get_in_nor_hurt(serve, run):
    spec = serve("127.0.0.1:0")
    host, _, port = spec.partition("//")[0][len("socket=") :].partition(":")
    for junk in b"", b"GET / HTTP/1.0\r\n\r\n", os.urandom(5000), b"elsewhere socket 1\n" * 20:
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(junk)
            stranger.settimeout(20)
            if junk:
                with pytest.raises(OSError) if junk == b"never" else _nothing():
                    while stranger.recv(1000):
                        pass
    assert run(spec, PID).stdout == "True\n"


class _nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, kind: type | None, *rest: object) -> bool:
        return kind is not None and issubclass(kind, OSError)


# --- links that are cut --------------------------------------------------------------------------


class Wire:
    """A port that leads to another one, and can be cut."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ends: list[socket.socket] = []
        self.cuts = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.ends += [near, far]
            for ends in (near, far), (far, near):
                threading.Thread(target=self.move, args=ends, daemon=True).start()

    def move(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in source, sink:
            end.close()

    def cut(self) -> None:
        self.cuts += 1
        ends, self.ends = self.ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(serve) -> Iterator[tuple[Wire, str]]:
    spec = serve("127.0.0.1:0")
    way, _, token = spec.partition("//")
    wire = Wire(int(way.rpartition(":")[2]))
    yield wire, f"socket=127.0.0.1:{wire.port}//{token}"
    wire.listener.close()
    wire.cut()


def test_channels_do_not_notice_that_the_link_was_cut(wire, run):
    link, spec = wire
    stop = threading.Event()

    def cut() -> None:
        while not stop.wait(0.3):
            link.cut()

    cutter = threading.Thread(target=cut)
    cutter.start()
    try:
        done = run(
            spec,
            "import hashlib, os\n"
            "far = gateway.remote_exec('while 1: channel.send(channel.receive())')\n"
            "sums = [[], []]\n"
            "for n in range(60):\n"
            "    piece = os.urandom(300_000) + bytes([n])\n"
            "    far.send(piece)\n"
            "    sums[0].append(hashlib.md5(piece).digest())\n"
            "    sums[1].append(hashlib.md5(far.receive(60)).digest())\n"
            "    import time; time.sleep(0.03)\n"
            "print(sums[0] == sums[1])\n",
        )
    finally:
        stop.set()
        cutter.join()
    assert done.stdout == "True\n", done.stderr
    assert link.cuts >= 3


def test_a_link_that_is_silent_is_found_out_and_made_anew(wire, python, package_parent, home):
    """Half-open: no end, no error, no bytes."""
    link, spec = wire
    body = (
        "import sys\n"
        "far = gateway.remote_exec('while 1: channel.send(channel.receive())')\n"
        "far.send(1); print(far.receive(), flush=True); sys.stdin.readline()\n"
        "far.send(2); print(far.receive(60), flush=True)\n"
    )
    program = subprocess.Popen(
        [python.executable, "-c", f"import elsewhere\n{opening(spec)}{body}"],
        env={**home, "PYTHONPATH": package_parent},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin is not None and program.stdout is not None
    assert program.stdout.readline() == "1\n"
    silent = link.ends
    link.ends = []
    # The threads that move bytes read from these numbers: now from sockets where nothing comes.
    keep = []
    for end in silent:
        one, other = socket.socketpair()
        os.dup2(one.fileno(), end.fileno())
        keep += [one, other]
    begun = time.monotonic()
    program.stdin.write("go\n")
    program.stdin.flush()
    assert program.stdout.readline() == "2\n"
    assert time.monotonic() - begun < 40
    program.communicate(timeout=30)
    assert program.returncode == 0


# --- the triangle --------------------------------------------------------------------------------


def test_a_server_is_installed_through_another_gateway(run):
    done = run(
        "popen//id=master",
        "other = elsewhere.makegateway('socket//installvia=master//id=socket//chdir=/usr')\n"
        "source = 'import os; channel.send((os.getpid(), os.getppid(), os.getcwd()))'\n"
        "pid, _, _ = gateway.remote_exec(source).receive()\n"
        "other_pid, parent, folder = other.remote_exec(source).receive()\n"
        "print(parent == pid != other_pid, folder)\n"
        "line = open(f'/proc/{other._pid}/cmdline').read()\n"
        "token = line.partition('--token\\0')[2].partition('\\0')[0]\n"
        "import os; print(token.startswith('/'), os.path.exists(token))\n"
        "other.exit()\n",
    )
    assert done.stdout == "True /usr\nTrue False\n", done.stderr


@pytest.mark.parametrize("version", ["3.7", "3.8", "3.9"])
def test_a_server_runs_on_any_python_with_tls_1_3(run, version):
    done = run(
        f"popen//id=old//python={version}",
        "other = elsewhere.makegateway('socket//installvia=old')\n"
        "print(other.facts['python'][:2])\n",
    )
    if "no Python" in done.stderr:
        pytest.skip(f"there is no Python {version} here")
    assert done.stdout == f"{tuple(map(int, version.split('.')))}\n", done.stderr


def test_a_python_that_is_too_old_for_a_server_is_told(run):
    done = run(
        "popen//id=old//python=2.7",
        "elsewhere.makegateway('socket//installvia=old')\n",
    )
    if "no Python" in done.stderr:
        pytest.skip("there is no Python 2.7 here")
    assert "Unsupported: the Python of gateway old is 2.7" in done.stderr


# --- ends ----------------------------------------------------------------------------------------


def test_nothing_is_left_when_the_controller_is_killed(serve, run, tmp_path):
    spec = serve("127.0.0.1:0")
    done = run(
        spec,
        "import os, signal\n"
        "far = gateway.remote_exec('import os, time; channel.send(os.getpid()); time.sleep(600)')\n"
        "print(far.receive(), gateway._pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)",
    )
    assert done.returncode == -signal.SIGKILL
    end = time.monotonic() + 30
    left = [Path(f"/proc/{pid}") for pid in done.stdout.split()]
    while any(is_running(process) for process in left):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_killed_dialer_of_a_unix_socket_leaves_its_worker_for_a_moment(serve, run, tmp_path):
    spec = serve(f"{tmp_path}/s")
    done = run(
        spec,
        "import os, signal, time\n"
        "far = gateway.remote_exec('import os, time; channel.send(os.getpid()); time.sleep(600)')\n"
        "worker = far.receive()\n"
        "os.kill(gateway._pid, signal.SIGKILL)\n"
        "begun = time.monotonic()\n"
        "try: far.receive(30)\n"
        "except elsewhere.errors.Disconnected: pass\n"
        "while os.path.exists(f'/proc/{worker}'):\n"
        "    assert time.monotonic() - begun < 20\n"
        "    time.sleep(0.1)\n"
        "print(time.monotonic() - begun)\n",
    )
    assert 0 < float(done.stdout) < 15, done.stderr


def is_running(process: Path) -> bool:
    try:
        return "\nState:\tZ" not in (process / "status").read_text()
    except OSError:
        return False


def test_doctor_goes_there_too(serve, command, home):
    spec = serve("127.0.0.1:0")
    done = subprocess.run([command, "doctor", spec], capture_output=True, text=True, env=home)
    assert done.returncode == 0, done.stderr
    stages = [line.split()[0] for line in done.stdout.splitlines()]
    assert stages == ["reach", "login", "python", "versions", "engine"]


def test_a_token_is_asked_for_on_the_terminal_and_not_shown(serve, command, home, tmp_path):
    spec = serve("[::1]:0") if socket.has_ipv6 else serve("127.0.0.1:0")
    way, _, token = spec.partition("//token=")
    word = Path(token).read_text().strip()
    pid, terminal = pty.fork()
    if pid == 0:
        nobody = {**home, "XDG_CONFIG_HOME": str(tmp_path / "empty")}
        os.execve(
            command, [command, "exec", way, "-c", "print('there'); raise SystemExit(5)"], nobody
        )
    shown = b""
    try:
        while data := os.read(terminal, 1000):
            shown += data
            if b"token of" in shown and word:
                os.write(terminal, word.encode() + b"\n")
                said, word = word, ""
    except OSError:
        pass  # it has ended
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5, shown
    assert b"there" in shown and said.encode() not in shown


# --- who must not get in, and what strangers and mistakes must not do ---------------------------


def refused(command, home, *words: str) -> str:
    done = subprocess.run(
        [command, "serve", *words], capture_output=True, text=True, env=home, timeout=60
    )
    assert done.returncode != 0
    return done.stderr


def test_a_file_that_is_no_socket_is_not_removed_for_one(command, home, tmp_path):
    file = tmp_path / "thesis"
    file.write_text("years of work")
    assert "cannot listen on" in refused(command, home, str(file))
    assert file.read_text() == "years of work"
    (tmp_path / "link").symlink_to(file)
    refused(command, home, str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()


def test_a_socket_that_another_server_made_meanwhile_is_left(serve, run, tmp_path):
    path = tmp_path / "socket"
    serve(str(path))
    path.unlink()
    spec = serve(str(path))
    serve.servers[0].terminate()
    serve.servers[0].wait(30)
    assert run(spec, PID).stdout == "True\n"


def test_servers_that_start_at_once_have_the_same_key(serve, run):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        specs = list(pool.map(lambda _: serve("127.0.0.1:0"), range(4)))
    for spec in specs:
        assert run(spec, PID).stdout == "True\n"


def test_a_key_is_not_written_through_a_link_that_was_laid(serve, run, tmp_path):
    prey = tmp_path / "prey"
    prey.write_text("mine")
    for name in "shared.new", "shared.pem.new":
        (tmp_path / name).symlink_to(prey)
    spec = serve("--token", str(tmp_path / "shared"), "127.0.0.1:0")
    assert run(spec, PID).stdout == "True\n"
    assert prey.read_text() == "mine"


def test_a_stranger_who_says_a_byte_now_and_then_is_sent_away(serve):
    spec = serve("--no-token", "127.0.0.1:0")
    host, _, port = spec.partition("//")[0][len("socket=") :].partition(":")
    with socket.create_connection((host, int(port))) as stranger:
        begin = time.monotonic()
        with contextlib.suppress(OSError):
            for byte in b"elsewhere socket 1\n" + bytes(49):
                stranger.sendall(bytes((byte,)))
                stranger.settimeout(2)
                with contextlib.suppress(TimeoutError):
                    if not stranger.recv(1):
                        break
        assert time.monotonic() - begin < 30


@pytest.mark.skipif(os.getuid() != 0, reason="is another user only as root")
def test_a_socket_that_another_user_has_laid_is_not_spoken_to(run):
    shared = Path(tempfile.mkdtemp(dir="/tmp"))  # tmp_path is below what is ours alone
    shared.chmod(0o1777)
    path = shared / "socket"
    listen = (
        "import os, socket; os.setuid(65534); s = socket.socket(socket.AF_UNIX); "
        f"s.bind({str(path)!r}); s.listen(); print('up', flush=True); "
        "print(s.accept()[0].recv(100))"
    )
    with subprocess.Popen(["python3", "-c", listen], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "up\n"
        done = run(f"unix={path}", PID)
        assert "Untrusted: " in done.stderr and "of another user" in done.stderr
        assert other.stdout.read() == "b''\n"
    shutil.rmtree(shared)


@pytest.mark.skipif(os.getuid() != 0, reason="has other /etc/hosts only as root")
def test_a_localhost_that_is_everywhere_is_not_taken_for_the_loopback(command, home, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("0.0.0.0 localhost\n")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /etc/hosts && exec "$2" serve --no-token'
         " localhost:0", "sh", str(hosts), command],
        capture_output=True, text=True, env=home, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2 and "anybody who reaches it" in done.stderr
