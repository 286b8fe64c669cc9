"""A program that moves to another process of the same interpreter on this machine.

There is no gateway in between: the origin starts the process and is its own porter. Files and
pipes of its stdio are handed down as they are, only a terminal is relayed; the state is in a file
in memory that both have open. What is said over the control descriptor is what any porter says.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import _thread
import os
import sys

from elsewhere import errors
from elsewhere._travel import departed, luggage
from elsewhere._travel.files import Failed, memory_file, write_all
from elsewhere._travel.origin import instructions, is_terminal, push_always, window_size
from elsewhere._travel.program import Program
from elsewhere.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

PIECE = 1 << 17


def failure(error: Failed) -> errors.Error:
    kind, message, hint = error.args
    of_kind: errors.Error = getattr(errors, kind, errors.InternalError)(message, hint)
    return of_kind


def is_way(spec: str) -> bool:
    """Is it this interpreter that `spec` names, and the package in a folder that both can read?"""
    where, *rest = spec.split("//")
    same = all(part == f"python={sys.executable}" for part in rest)
    return where == "popen" and same and luggage.folder() is not None and not push_always()


class Direct:
    """One hand-over; what Journey is for other places."""

    def __init__(self) -> None:
        self.was_lost = False  # our own origin, if the program had come here
        self.terminal = [is_terminal(number) for number in range(3)]
        order = {
            "direct": luggage.folder(),
            "told": instructions(None, b""),
            "terminal": self.terminal,
            "closed": [],  # those are not handed down
            "window": window_size() if any(self.terminal) else (24, 80),
        }
        try:
            # Its start overlaps with reading the program here.
            self.program = Program(order, {}, memory_file("elsewhere-state"), keep=True)
        except OSError as error:
            raise Unsupported(
                f"cannot start {sys.executable}: {error}", "see the reason; try again"
            ) from error

    def hand_over(self, state: Any) -> None:
        """Give it the `_elsewhere.State`. Returns after READY; the next step is GO."""
        state.write(self.program.state)
        try:
            self.program.rebuild()
        except Failed as error:
            raise failure(error) from None

    def abandon(self) -> None:
        """The program stays."""
        self.program.kill()
        try:  # noqa: SIM105  # contextlib imports much
            self.program.wait()
        except ChildProcessError:
            pass  # known to have ended, or the program takes no note of its children
        self.program.close()
        os.close(self.program.state)

    def leave(self) -> NoReturn:
        """GO. From here on nothing of the program runs here, and this process ends as it ends."""
        before = departed.block_signals()
        try:
            self.program.go()
        except Failed as error:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self.abandon()
            raise failure(error) from None
        status = 70
        terminal = departed.Terminal()
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would hide how it ended
            signal.pthread_sigmask(signal.SIG_UNBLOCK, departed.OF_THE_STREAMS)
            if self.terminal[0]:
                terminal.set_raw()
                _thread.start_new_thread(self.relay_input, ())
            shown = _thread.allocate_lock()
            if any(self.terminal):
                shown.acquire()
                _thread.start_new_thread(self.relay_output, (shown,))
            _thread.start_new_thread(self.find_modules, ())
            status = self.await_end()
            if status == 75 and self.was_lost:
                departed.suspended_further_on(self.program.path, "")
            shown.acquire(timeout=1)  # a process that it started may still hold the terminal
        finally:
            terminal.restore()
            departed.end_as(status)

    def await_end(self) -> int:
        watched = {*departed.FORWARDED, signal.SIGCHLD, signal.SIGWINCH}
        program = self.program
        while (status := program.ended()) is None:
            number = signal.sigwaitinfo(watched).si_signo
            if number == signal.SIGWINCH:
                program.set_window(*window_size())
            elif number != signal.SIGCHLD:
                program.kill(number)
                self.was_lost |= number == departed.SUSPEND
                if number == signal.SIGTSTP:
                    os.kill(os.getpid(), signal.SIGSTOP)
        return status

    def relay_output(self, shown: _thread.LockType) -> None:
        """Of its terminal, to the first of ours that is one."""
        to = 1 if self.terminal[1] else 2 if self.terminal[2] else 0
        try:
            while data := os.read(self.program.master, PIECE):
                write_all(to, data)
        except OSError:
            pass  # the last process on its terminal has gone, or ours has
        shown.release()

    def relay_input(self) -> None:
        try:
            while data := os.read(0, PIECE):
                write_all(self.program.master, data)
            write_all(self.program.master, b"\x04")
        except OSError:
            pass  # one of the two terminals has gone

    def find_modules(self) -> None:
        """What it asks for: modules that only this process can see."""
        while (message := self.program.hear()) is not None:
            if message[0] == "find":
                from elsewhere._travel.modules import find_module

                self.program.tell(("module", find_module(*message[1:])))
