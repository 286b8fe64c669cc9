"""Runs at the far end, or here for a move within this machine: the process of a moved program."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # signal itself imports much
import _socket
import _thread
import marshal
import os
import time

from .files import Failed, path_of, state_folder
from .process import ALIVE, Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where the program's process finds its descriptors: out of the way of those that programs remember.
CONTROL, STATE, PACKAGE, ENGINE = 250, 251, 252, 253
OUTPUT = {"out": 247, "err": 248}  # our ends of its stdout and stderr, for when we are killed
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
    """The process in which a moved program goes on.

    `state`: an open file, empty as yet; what is in it when rebuild() is called is the program.
    `keep`: as Process has it.
    """

    def __init__(
        self, order: dict[str, Any], files: dict[str, int], state: int, keep: bool = False
    ) -> None:
        super().__init__(order["terminal"], order["window"], keep, order["closed"])
        self.control, end = _socket.socketpair()
        theirs = end.detach()
        self.state = state
        self.lock = _thread.allocate_lock()
        told = order["told"]
        arrival = told["arrival"]
        arguments = list(told["interpreter_arguments"])
        descriptors = {CONTROL: theirs, STATE: self.state}
        ours = {"out": self.stdout, "err": self.stderr}
        output = {name: OUTPUT[name] for name, end in ours.items() if end >= 0}
        descriptors.update({number: ours[name] for name, number in output.items()})
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
        arrival.update(
            control=CONTROL,
            terminal=order["terminal"],
            descriptors=[*descriptors, ALIVE],
            output=output,
            porter=os.getpid(),
        )
        environment = {**os.environ, "ELSEWHERE_RUN": json_of(told)}
        if told["hash_seed"] is not None:
            environment["PYTHONHASHSEED"] = str(told["hash_seed"])
        self.start(arguments, environment, descriptors)
        self.if_we_die(signal.SIGKILL)
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
        if answer is not None and answer[0] != "ready":
            raise Failed(*answer[1:])
        if answer is None:
            raise Failed(
                "RemoteFailure",
                f"the interpreter there {self.end()} while it rebuilt the program",
                "see what it wrote, if it did; without a reason report it",
            )
        self.if_we_die(SUSPEND)  # until GO that is no more than it gets by the end of `control`

    def go(self) -> None:
        """GO. Returns when it runs; raises Failed if it ended before it executed anything."""
        self.tell(("go",))
        if self.hear() != ("gone",):
            raise Failed(
                "RemoteFailure",
                f"the process there {self.end()} before the program went on in it",
                "the program goes on here; somebody has killed the other, see the system's log",
            )

    def end(self) -> str:
        try:
            status = self.wait()
        except ChildProcessError:  # the program takes no note of its children
            return "ended"
        return f"was ended by signal {-status}" if status < 0 else f"ended with {status}"

    def keep_unconfirmed(self) -> None:
        """Whether GO was meant to follow is not known: the process keeps its state, and ends."""
        self.control.close()
        self.wait()

    def tell(self, message: tuple[Any, ...]) -> bool:
        """False if it has ended."""
        body = marshal.dumps(message, 2)
        with self.lock:
            try:
                # Here a program may have made SIGPIPE deadly.
                self.control.sendall(len(body).to_bytes(4, "little") + body, _socket.MSG_NOSIGNAL)
            except OSError:
                return False
        return True

    def hear(self) -> tuple[Any, ...] | None:
        """What the program's process says next; None when it has ended."""
        head = self.hear_exactly(4)
        body = self.hear_exactly(int.from_bytes(head, "little")) if head else b""
        return marshal.loads(body) if body else None

    def hear_exactly(self, size: int) -> bytes:
        """That many bytes, or nothing at the end of the stream."""
        data = b""
        while len(data) < size:
            try:
                piece = self.control.recv(size - len(data))
            except OSError:
                return b""
            if not piece:
                return b""
            data += piece
        return data

    def close(self) -> None:
        """Nothing is left of it here; its state is its owner's."""
        self.control.close()
        os.close(self.life)
        os.close(self.alive)
        if self.master >= 0:
            os.close(self.master)

    def link_lost(self) -> None:
        # It suspends itself into the file that was agreed upon; modules are not to be had any more.
        self.tell(("lost",))
        self.kill(SUSPEND)

    def spool_path(self) -> str | None:
        return self.path
