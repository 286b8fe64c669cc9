"""Runs at the far end: between a process there and its origin."""

from __future__ import annotations

import os
import time

from .files import private, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from typing import Any

    from .process import Process

PIECE = 1 << 17
AGAIN = 15


class Relay:
    """Moves what the process says and hears, until it has ended. A thread for each way."""

    def __init__(self, channel: Any, process: Process) -> None:
        # Not before the process starts, which takes longer than this import.
        import threading

        self.threading = threading
        self.channel = channel
        self.process = process
        self.lost = False
        self.spools: dict[str, Any] = {}
        self.early: list[tuple[Any, ...]] | None = []  # output before begin()
        self.lock = threading.Lock()
        self.confirmed = False  # the origin knows how the process ended
        self.heard_all = threading.Event()  # and this is known here
        self.input: list[bytes | None] = []
        self.input_came = threading.Condition()
        outputs = {process.stderr: "err", process.stdout: "out"}
        if process.master >= 0:
            outputs.setdefault(process.master, "terminal")
        self.readers = [
            self.start(self.read_output, *one) for one in outputs.items() if one[0] >= 0
        ]

    def start(self, function: Any, *arguments: Any) -> threading.Thread:
        thread = self.threading.Thread(target=function, args=arguments, daemon=True)
        thread.start()
        return thread

    def begin(self) -> None:
        """From now on everything goes its way."""
        with self.lock:  # what is said meanwhile comes after it
            early, self.early = self.early, None
            for message in early or ():
                self.send(*message)
        for function in (self.write_input, self.hear):
            self.start(function)
        # Its last values go before the news of its end, as its output does.
        self.readers.append(self.start(self.read_control))

    def serve(self, first: tuple[Any, ...] = ()) -> None:
        """Up to the end of the process, and that is said last; `first` is said before all else."""
        if first:
            with self.lock:
                self.early = [first, *(self.early or ())]
        self.begin()
        status = self.process.wait()
        self.wait_for_output()
        self.say("exit", status)
        self.heard_all.wait()
        if not self.confirmed:
            self.note_exit(status)

    def wait_for_output(self) -> None:
        for reader in self.readers:
            reader.join(1)  # a process that it started may still hold the other end

    def said(self) -> str:
        """What it wrote before begin()."""
        self.wait_for_output()
        return b"".join(data for _, data in self.early or ()).decode("utf-8", "replace")

    def say(self, *message: Any) -> None:
        with self.lock:
            if self.early is not None:
                self.early.append(message)
            else:
                self.send(*message)

    def send(self, *message: Any) -> None:
        """With the lock held."""
        if not self.lost:
            try:
                self.channel.send(message)
                return
            except Exception:  # whatever the channel's own class is: the link has gone
                self.lost = True
        if message[0] in ("out", "err"):
            self.spool(*message)

    def spool(self, name: str, data: bytes) -> None:
        """Output that the origin will not hear."""
        path = self.process.spool_path()
        if path is None:
            return
        try:
            if name not in self.spools:
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
                self.spools[name] = open(f"{path}.{name}", "ab", 0, opener=private)  # noqa: SIM115
            self.spools[name].write(data)
        except OSError:
            pass  # no disk: there is nobody left to tell

    def note_exit(self, status: int) -> None:
        """How the process ended, which the origin does not know. Suspended is no end."""
        path = self.process.spool_path()
        if path is None or (status == 75 and os.path.exists(path)):
            return
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(f"{path}.exit", "w", opener=private) as file:
                file.write(f"{status}\n")
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
        process = self.process
        if process.stdin < 0:
            return
        while True:
            with self.input_came:
                while not self.input:
                    self.input_came.wait()
                data = self.input.pop(0)
            try:
                if data is not None:
                    write_all(process.stdin, data)
                    self.say("took", len(data))
                elif process.stdin == process.master:
                    os.write(process.master, b"\x04")
                else:
                    os.close(process.stdin)
            except OSError:
                pass  # the process has closed it
            if data is None:
                return

    def read_control(self) -> None:
        """What a moved program asks for: modules; a forked one also sends values."""
        while (message := self.process.hear()) is not None:
            self.say(*message)

    def hear(self) -> None:
        """What the origin says, until the link ends."""
        while True:
            try:
                message = self.channel.receive()
            except Exception:  # EOFError, or the channel's own: no more of it
                break
            what = message[0]
            if what == "over":
                self.confirmed = True
                self.heard_all.set()
                return
            if what == "in":
                with self.input_came:
                    self.input.append(message[1])
                    self.input_came.notify()
            elif what == "signal":
                self.process.kill(message[1])
            elif what == "window":
                self.process.set_window(*message[1:])
            else:
                self.process.tell(message)
        self.lost = True
        self.heard_all.set()
        while not self.process.reaped:
            self.process.link_lost()
            time.sleep(AGAIN)  # what it could not do within its grace it may be able to do later
