"""What the origin is after GO: a pipe for stdio, signals, window size, exit code."""

from __future__ import annotations

import os
import signal
import threading

from elsewhere._travel.departed import (
    FORWARDED,
    OF_THE_STREAMS,
    SUSPEND,
    Terminal,
    end_as,
    suspended_further_on,
)
from elsewhere._travel.modules import find_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from elsewhere._travel.origin import Far

PIECE = 1 << 17
STDIN_WINDOW = 1 << 20
# Not a signal of anybody else: says that the link has ended.
ENDED = signal.SIGRTMIN + 9


class Pipe:
    """Never returns to the program: ends the process as the program has ended over there."""

    def __init__(self, far: Far, mask: set[int]) -> None:
        self.mask = mask  # of the signals that were blocked before GO
        self.far = far
        self.channel = far.channel
        self.status = 70
        self.parted = False  # both ends know how it ended
        self.was_lost = False  # our own origin, if the program had come here
        self.unconsumed = 0
        self.consumed = threading.Condition()
        self.terminal = Terminal()
        self.thread = threading.get_ident()

    def run(self) -> NoReturn:
        # Blocked in all threads from before GO on; this one takes them in turn.
        watched = {*FORWARDED, signal.SIGWINCH}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, OF_THE_STREAMS)
        try:
            if self.far.terminal[0]:
                self.terminal.set_raw()
            ended = threading.Thread(target=self.hear, daemon=True)
            ended.start()
            threading.Thread(target=self.read_input, daemon=True).start()
            self.take_signals(watched, ended)
        finally:
            self.end()

    def take_signals(self, watched: Any, hearing: threading.Thread) -> None:
        while hearing.is_alive():
            came = signal.sigtimedwait(watched, 0.2)
            if came is None or not hearing.is_alive():
                continue
            if came.si_signo == signal.SIGWINCH:
                from elsewhere._travel.origin import window_size

                self.send("window", *window_size())
                continue
            if came.si_signo == ENDED:
                continue
            self.send("signal", came.si_signo)
            self.was_lost |= came.si_signo == SUSPEND
            if came.si_signo == signal.SIGTSTP:
                os.kill(os.getpid(), signal.SIGSTOP)

    def send(self, *message: Any) -> None:
        try:  # noqa: SIM105  # contextlib imports much
            self.channel.send(message)
        except (OSError, EOFError):
            pass  # the link is lost: hear() finds out and ends this

    def hear(self) -> None:
        """What the program says; returns with its end."""
        try:
            while True:
                message = self.channel.receive()
                what = message[0]
                if what == "out" or what == "err":
                    self.write(1 if what == "out" else 2, message[1])
                elif what == "terminal":
                    self.write(0, message[1])
                elif what == "took":
                    with self.consumed:
                        self.unconsumed -= message[1]
                        self.consumed.notify()
                elif what == "find":
                    self.send("module", find_module(*message[1:]))
                elif what == "exit":
                    self.status = message[1]
                    self.send("over")
                    self.parted = True
                    if self.status == 75 and self.was_lost:
                        suspended_further_on(self.far.place, f" at {self.far.host}")
                    return
        except Exception as error:  # EOFError, RemoteError: the link or the porter has gone
            self.lost(error)
        finally:
            signal.pthread_kill(self.thread, ENDED)

    def write(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except BrokenPipeError:
            # As if the program had written here itself.
            self.send("signal", signal.SIGPIPE)
        except OSError:
            pass  # closed: there is nobody to tell

    def read_input(self) -> None:
        while True:
            with self.consumed:
                while self.unconsumed > STDIN_WINDOW:
                    self.consumed.wait()
            try:
                data = os.read(0, PIECE)
            except OSError:
                data = b""
            if not data:
                self.send("in", None)
                return
            with self.consumed:
                self.unconsumed += len(data)
            self.send("in", data)

    def lost(self, error: Exception) -> None:
        self.terminal.restore()
        host, place = self.far.host, self.far.place
        detail = f" ({error})" if str(error) else ""
        hint = (
            f"the program suspends itself there into {place}; "
            f"go on with `elsewhere resume {place}` there "
            f"(if it had ended or gone further on by then, see {place}.exit and {place}.err)"
            if place
            else "the program there was told by SIGHUP"
        )
        text = f"error: the connection to {host} was lost{detail}\nhint: {hint}\n"
        self.write(2, text.encode())
        self.status = 69

    def end(self) -> NoReturn:
        self.terminal.restore()
        gateway = self.far.gateway
        gateway.exit()
        gateway.join(1.0)
        # What has said that it ends does so by itself, and what leads there behind it.
        if not self.parted or gateway.hasreceiver():
            gateway.close(1.0)
        end_as(self.status)
