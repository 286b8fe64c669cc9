"""Runs at the far end: starts a program, moved or new, and stands between it and its origin.

Executed in the worker, by the Python that the program will run in, which has nothing of ours yet:
so this file and those that it imports use the standard library only, and little of that. The
messages are in spec/handover.md.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # signal itself imports much
import _socket
import marshal
import os
import sys
import threading
import time

from .files import Failed, identity, memory_file, path_of, receive_files, state_folder
from .process import Process, private, write_all
from .relay import Relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where the program's process finds its descriptors: out of the way of those that programs remember.
CONTROL, STATE, PACKAGE, ENGINE = 250, 251, 252, 253
# See python/bindings/departures.cpp.
SUSPEND = signal.SIGRTMIN + 8


def json_of(value: Any) -> str:
    """For the few types of `told`; importing json would take longer than all else here."""
    from _json import encode_basestring_ascii

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


class Program(Process):
    """The process in which a moved program goes on."""

    def __init__(self, order: dict[str, Any], files: dict[str, int]) -> None:
        super().__init__(order["terminal"], order["window"])
        self.control, theirs = (end.detach() for end in _socket.socketpair())
        self.state = memory_file("elsewhere-state")
        self.lock = threading.Lock()
        told = order["told"]
        arrival = told["arrival"]
        arguments = list(told["interpreter_arguments"])
        descriptors = {CONTROL: theirs, STATE: self.state}
        if order["direct"]:
            arguments.append(order["direct"] + "/_boot.py")
        else:
            descriptors[PACKAGE], descriptors[ENGINE] = files["package"], files["engine"]
            arrival["package"] = path_of(files["package"], PACKAGE)
            arrival["engine"] = f"/proc/self/fd/{ENGINE}"
            arguments += ["-c", order["boot"], arrival["package"]]
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        told.update(
            default_snapshot_dir=state_folder(),
            runtime_dir=runtime if runtime.startswith("/") else None,
            original_hash_seed=os.environ.get("PYTHONHASHSEED"),
            file=f"/proc/self/fd/{STATE}",
        )
        arrival.update(control=CONTROL, terminal=order["terminal"], descriptors=sorted(descriptors))
        environment = {**os.environ, "ELSEWHERE_RUN": json_of(told)}
        if told["hash_seed"] is not None:
            environment["PYTHONHASHSEED"] = str(told["hash_seed"])
        self.start(arguments, environment, descriptors)
        for descriptor in (theirs, *files.values()):
            os.close(descriptor)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.path = f"{state_folder()}/{arrival['name']}-{stamp}-{self.pid}.snap"

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
            try:  # noqa: SIM105  # contextlib imports much
                write_all(self.control, len(body).to_bytes(4, "little") + body)
            except OSError:
                pass  # it has ended

    def hear(self) -> tuple[Any, ...] | None:
        """What the program's process says next; None when it has ended."""
        head = read_exactly(self.control, 4)
        body = read_exactly(self.control, int.from_bytes(head, "little")) if head else b""
        return marshal.loads(body) if body else None

    def link_lost(self) -> None:
        # It suspends itself into the file that was agreed upon; modules are not to be had any more.
        self.tell(("lost",))
        self.kill(SUSPEND)

    def spool_path(self) -> str | None:
        return self.path

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
        channel.send(("gone",))
        relay.serve()


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


def execute(channel: Any) -> None:
    """Another program than a moved one: its text comes with the order."""
    order = channel.receive()
    process = Process(order["terminal"], order["window"])
    source = memory_file("elsewhere-source")
    write_all(source, order["source"])
    os.lseek(source, 0, os.SEEK_SET)
    try:
        process.start(order["arguments"], dict(os.environ), {STATE: source})
    except OSError as error:
        channel.send(("failed", "Unsupported", f"cannot start Python there: {error}", ""))
        return
    os.close(source)
    channel.send(("ready", process.pid, ""))
    Relay(channel, process).serve()
