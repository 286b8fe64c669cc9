"""Runs in the worker on the far side: starts the program, and stands between it and its origin.

Executed with `channel`, by the Python that the program will run in, which has nothing of ours yet:
so this file imports the standard library only, and little of that. The messages are in
spec/handover.md.
"""

from __future__ import annotations

import _signal as signal  # the signal module itself imports much, and all there is to do waits
import _socket
import marshal
import os
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where the program's process finds its descriptors: out of the way of those that programs remember.
CONTROL, STATE, PACKAGE, ENGINE = 250, 251, 252, 253
PIECE = 1 << 17
# See python/bindings/departures.cpp.
SUSPEND = signal.SIGRTMIN + 8


class Failed(Exception):
    """Said to the origin as (kind, message, hint); the program goes on there."""


def json_of(value: Any) -> str:
    """For the few types of `told`; importing json would take longer than all else here."""
    from _json import encode_basestring_ascii  # type: ignore[import-not-found]

    if isinstance(value, str):
        text: str = encode_basestring_ascii(value)
        return text
    if isinstance(value, dict):
        inside = ",".join(f"{json_of(key)}:{json_of(item)}" for key, item in value.items())
        return "{" + inside + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(json_of, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


# ---- what the program needs of us ----------------------------------------------------------------


def cache_folder() -> str | None:
    """The user's own folder for what was sent once, or None where there is no such place."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.expanduser("~/.cache")
    folder = base + "/elsewhere"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.lstat(folder)
    except OSError:
        return None
    private = status.st_uid == os.getuid() and status.st_mode & 0o170077 == 0o040000
    return folder if private and os.access(folder, os.W_OK | os.X_OK) else None


def digest(descriptor: int) -> str:
    from hashlib import sha256

    whole = sha256()
    at = 0
    while piece := os.pread(descriptor, 1 << 20, at):
        whole.update(piece)
        at += len(piece)
    return whole.hexdigest()


def open_cached(name: str) -> int | None:
    """A descriptor on the cached file of that hash: checked on this very descriptor."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        descriptor = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    if os.fstat(descriptor).st_uid == os.getuid() and digest(descriptor) == name:
        return descriptor
    os.close(descriptor)  # cut short by a full disk, or not ours: it is sent again
    return None


def memory_file(name: str) -> int:
    """A file without a place on a disk."""
    try:
        return os.memfd_create(name)
    except (AttributeError, OSError):
        import tempfile

        descriptor, path = tempfile.mkstemp()
        os.unlink(path)
        return descriptor


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def store(folder: str, name: str, content: bytes) -> None:
    temporary = f"{folder}/.{name}.{os.getpid()}.{threading.get_ident()}"
    try:
        with open(temporary, "xb", opener=private) as file:
            file.write(content)
        os.rename(temporary, f"{folder}/{name}")
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)


def keep(name: str, content: bytes) -> int:
    """What was sent, as an open file: in the cache where that is possible, else in memory."""
    folder = cache_folder()
    if folder is not None:
        store(folder, name, content)
        cached = open_cached(name)
        if cached is not None:
            return cached
    descriptor = memory_file(name)
    write_all(descriptor, content)
    if digest(descriptor) != name:
        raise Failed("InternalError", "what was sent has not the hash that it should have", "try again")
    return descriptor


def receive_files(channel: Any, wanted: dict[str, str]) -> dict[str, int]:
    """Descriptors by role ("package", "engine")."""
    files = {role: open_cached(name) for role, name in wanted.items()}
    missing = [role for role, descriptor in files.items() if descriptor is None]
    channel.send(("need", missing))
    found = {role: descriptor for role, descriptor in files.items() if descriptor is not None}
    for role in missing:
        pieces: list[bytes] = []
        while piece := channel.receive():
            pieces.append(piece)
        found[role] = keep(wanted[role], b"".join(pieces))
    return found


def identity(folder: str) -> list[int] | None:
    """Tells one installed package from another: None where there is none."""
    try:
        status = os.stat(folder + "/_boot.py")
    except OSError:
        return None
    return [status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size]


def path_of(descriptor: int, there: int) -> str:
    """A path of an open file that is good in the program's process."""
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    return path if os.path.exists(path) else f"/proc/self/fd/{there}"


def state_folder() -> str:
    base = os.environ.get("XDG_STATE_HOME", "")
    return (base if base.startswith("/") else os.path.expanduser("~/.local/state")) + "/elsewhere"


# ---- the program's process -----------------------------------------------------------------------


class Program:
    """The process in which the program goes on, from its start to its end."""

    def __init__(self, order: dict[str, Any], files: dict[str, int]) -> None:
        self.control, theirs = (end.detach() for end in _socket.socketpair())
        self.state = memory_file("elsewhere-state")
        self.master = -1
        self.lock = threading.Lock()
        ends = self.make_stdio(order)
        told = order["told"]
        arrival = told["arrival"]
        command = [sys.executable, *told["interpreter_arguments"]]
        descriptors = {0: ends[0], 1: ends[1], 2: ends[2], CONTROL: theirs, STATE: self.state}
        if order["direct"]:
            command.append(order["direct"] + "/_boot.py")
        else:
            descriptors[PACKAGE], descriptors[ENGINE] = files["package"], files["engine"]
            arrival["package"] = path_of(files["package"], PACKAGE)
            arrival["engine"] = f"/proc/self/fd/{ENGINE}"
            command += ["-c", order["boot"], arrival["package"]]
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        told.update(
            default_snapshot_dir=state_folder(),
            runtime_dir=runtime if runtime.startswith("/") else None,
            original_hash_seed=os.environ.get("PYTHONHASHSEED"),
            file=f"/proc/self/fd/{STATE}",
        )
        arrival.update(
            control=CONTROL,
            terminal=order["terminal"],
            descriptors=sorted(set(descriptors) - {0, 1, 2}),
        )
        environment = {**os.environ, "ELSEWHERE_RUN": json_of(told)}
        if told["hash_seed"] is not None:
            environment["PYTHONHASHSEED"] = str(told["hash_seed"])
        # Ours are between 2 and 250, so none is overwritten before it has been copied.
        self.pid = os.posix_spawn(
            sys.executable,
            command,
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, have, want) for want, have in descriptors.items()],
            setsid=True,
            setsigmask=[],
            setsigdef=[number for number in range(1, 32) if number not in (9, 19)],
        )
        for descriptor in (*ends, theirs, *files.values()):
            os.close(descriptor)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.path = f"{state_folder()}/{arrival['name']}-{stamp}-{self.pid}.snap"

    def make_stdio(self, order: dict[str, Any]) -> list[int]:
        """The program's ends; ours are self.stdin, self.stdout, self.stderr."""
        slave = -1
        if any(order["terminal"]):
            self.master, slave = os.openpty()
            self.set_window(*order["window"])
        ends = []
        ours = []
        for number, terminal in enumerate(order["terminal"]):
            if terminal:
                ends.append(os.dup(slave))
                ours.append(self.master)
            else:
                reading, writing = os.pipe()
                ends.append(reading if number == 0 else writing)
                ours.append(writing if number == 0 else reading)
        if slave >= 0:
            os.close(slave)
        self.stdin, self.stdout, self.stderr = ours
        return ends

    def set_window(self, lines: int, columns: int) -> None:
        if self.master >= 0:
            import fcntl
            import struct
            import termios

            size = struct.pack("4H", lines, columns, 0, 0)
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def rebuild(self) -> None:
        """The state is complete. Returns when everything is there again; raises Failed."""
        self.tell(("state", self.path))
        answer = self.hear()
        while answer is not None and answer[0] == "find":
            self.tell(("module", None))  # what it had imported came with the state
            answer = self.hear()
        if answer == ("ready",):
            return
        if answer is not None:
            raise Failed(*answer[1:])
        status = self.wait()
        raise Failed(
            "InternalError",
            f"the interpreter there ended with {status} while it rebuilt the program",
            "see what it wrote above; report it",
        )

    def tell(self, message: tuple[Any, ...]) -> None:
        body = marshal.dumps(message, 2)
        with self.lock:
            try:
                write_all(self.control, len(body).to_bytes(4, "little") + body)
            except OSError:
                pass  # it has ended

    def hear(self) -> tuple[Any, ...] | None:
        """What the program's process says next; None when it has ended."""
        head = read_exactly(self.control, 4)
        body = read_exactly(self.control, int.from_bytes(head, "little")) if head else b""
        return marshal.loads(body) if body else None

    def wait(self) -> int:
        """Its exit code, or minus the signal."""
        _, status = os.waitpid(self.pid, 0)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)

    def kill(self, number: int = 9) -> None:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass  # it has just ended

    def save_state(self) -> None:
        """The state that nobody confirmed, on the disk here."""
        os.makedirs(state_folder(), mode=0o700, exist_ok=True)
        with open(self.path + ".new", "wb", opener=private) as file:
            at = 0
            while piece := os.pread(self.state, 1 << 20, at):
                file.write(piece)
                at += len(piece)
            file.flush()
            os.fsync(file.fileno())
        os.rename(self.path + ".new", self.path)


def read_exactly(descriptor: int, size: int) -> bytes:
    """That many bytes, or nothing at the end of the stream."""
    data = b""
    while len(data) < size:
        try:
            piece = os.read(descriptor, size - len(data))
        except OSError:
            return b""
        if not piece:
            return b""
        data += piece
    return data


# ---- between the program and its origin ----------------------------------------------------------


class Relay:
    """Moves what the program says and hears, until its process has ended. A thread for each way."""

    def __init__(self, channel: Any, program: Program) -> None:
        self.channel = channel
        self.program = program
        self.lost = False
        self.spools: dict[str, Any] = {}
        self.early: list[tuple[Any, ...]] | None = []  # output before GO
        self.lock = threading.Lock()
        self.input: list[bytes | None] = []
        self.input_came = threading.Condition()
        outputs = {program.stderr: "err", program.stdout: "out"}
        if program.master >= 0:
            outputs.setdefault(program.master, "terminal")
        self.readers = [self.start(self.read_output, *one) for one in outputs.items()]

    def start(self, function: Any, *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        thread.start()
        return thread

    def begin(self) -> None:
        """GO was said."""
        with self.lock:
            early, self.early = self.early, None
        for message in early or ():
            self.say(*message)
        for function in (self.write_input, self.read_control, self.hear):
            self.start(function)

    def finish(self) -> None:
        """The program's process has ended; what it wrote before comes first."""
        for reader in self.readers:
            reader.join(1)  # a process that it started may still hold the other end

    def said(self) -> str:
        """What it wrote before GO."""
        for reader in self.readers:
            reader.join(1)
        return b"".join(data for _, data in self.early or ()).decode("utf-8", "replace")

    def say(self, *message: Any) -> None:
        with self.lock:
            if self.early is not None:
                self.early.append(message)
                return
            if not self.lost:
                try:
                    self.channel.send(message)
                    return
                except Exception:  # whatever the channel's own class is: the link has gone
                    self.lost = True
            if message[0] in ("out", "err"):
                self.spool(*message)

    def spool(self, name: str, data: bytes) -> None:
        """Output that the origin will not hear: kept beside the snapshot."""
        try:
            if name not in self.spools:
                os.makedirs(state_folder(), mode=0o700, exist_ok=True)
                path = f"{self.program.path}.{name}"
                self.spools[name] = open(path, "ab", 0, opener=private)
            self.spools[name].write(data)
        except OSError:
            pass  # no disk: there is nobody left to tell

    def read_output(self, descriptor: int, name: str) -> None:
        while True:
            try:
                data = os.read(descriptor, PIECE)
            except OSError:  # EIO: the last process on the terminal has gone
                return
            if not data:
                return
            self.say(name, data)

    def write_input(self) -> None:
        program = self.program
        while True:
            with self.input_came:
                while not self.input:
                    self.input_came.wait()
                data = self.input.pop(0)
            try:
                if data is not None:
                    write_all(program.stdin, data)
                    self.say("took", len(data))
                elif program.stdin == program.master:
                    os.write(program.master, b"\x04")
                else:
                    os.close(program.stdin)
            except OSError:
                pass  # the program has closed it
            if data is None:
                return

    def read_control(self) -> None:
        """What the program's process asks for: modules; a forked one also sends values."""
        while (message := self.program.hear()) is not None:
            self.say(*message)

    def hear(self) -> None:
        """What the origin says, until the link ends."""
        while True:
            try:
                message = self.channel.receive()
            except Exception:  # EOFError, or the channel's own: no more of it
                break
            what = message[0]
            if what == "in":
                with self.input_came:
                    self.input.append(message[1])
                    self.input_came.notify()
            elif what == "signal":
                self.program.kill(message[1])
            elif what == "window":
                self.program.set_window(*message[1:])
            else:
                self.program.tell(message)
        self.lost = True
        # It suspends itself into the file that was agreed upon; modules are not to be had any more.
        self.program.tell(("lost",))
        self.program.kill(SUSPEND)


# ---- the hand-over -------------------------------------------------------------------------------


def serve(channel: Any) -> None:
    order = channel.receive()
    try:
        if order["direct"] and identity(order["direct"]) != order["identity"]:
            order["direct"] = None
        files = receive_files(channel, {} if order["direct"] else order["files"])
        program = Program(order, files)
    except Failed as error:
        channel.send(("failed", *error.args))
        return
    except OSError as error:
        channel.send(("failed", "Unsupported", f"cannot start {sys.executable}: {error}", ""))
        return
    relay = Relay(channel, program)
    try:
        hand_over(channel, program)
    except Failed as error:
        program.kill()
        channel.send(("failed", *error.args, relay.said()))
    except BaseException:
        program.kill()
        raise
    else:
        relay.say("gone")
        relay.begin()
        status = program.wait()
        relay.finish()
        relay.say("exit", status)


def hand_over(channel: Any, program: Program) -> None:
    """Returns after GO. Whatever is raised: the program goes on where it was."""
    try:
        while piece := channel.receive():
            write_all(program.state, piece)
    except OSError as error:
        raise Failed(
            "CannotWrite", f"the state does not fit there: {error.strerror}", "make room in memory"
        ) from error
    program.rebuild()
    channel.send(("ready", program.pid, program.path))
    try:
        go = channel.receive()
    except Exception:
        # Lost between READY and GO: nobody here can know whether the origin goes on.
        program.save_state()
        raise
    if go != ("go",):
        raise Failed("Refused", "the origin changed its mind", "")
    program.tell(("go",))


if __name__ == "__channelexec__":
    serve(channel)  # type: ignore[name-defined]  # noqa: F821
