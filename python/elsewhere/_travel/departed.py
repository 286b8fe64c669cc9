"""What a process does that a program has left: signals, the terminal, the same end.

Without the modules signal and threading: they take longer to import than all else here.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import os

from elsewhere import _program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

# Everything that another process may want to tell the program. SIGTSTP and SIGCONT are ours too.
FORWARDED = frozenset(signal.valid_signals()) - {
    signal.SIGKILL,
    signal.SIGSTOP,
    signal.SIGCHLD,
    signal.SIGPIPE,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGWINCH,
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGABRT,
}
# Of a process that a program has moved to: its origin is lost. See python/bindings/departures.cpp.
SUSPEND = signal.SIGRTMIN + 8
# These do what they do to any process that reads or writes.
OF_THE_STREAMS = (signal.SIGPIPE, signal.SIGTTIN, signal.SIGTTOU)


def block_signals() -> set[int]:
    """All that can come is for the program from now on; the mask before."""
    before: set[int] = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    return before


class Terminal:
    """Stdin, if it is one: raw, as the program has a terminal of its own that does the rest."""

    saved: Any = None

    def set_raw(self) -> None:
        import termios
        import tty

        try:
            self.saved = termios.tcgetattr(0)
            tty.setraw(0, termios.TCSANOW)
        except termios.error:
            self.saved = None

    def restore(self) -> None:
        if self.saved is not None:
            import termios

            termios.tcsetattr(0, termios.TCSADRAIN, self.saved)
            self.saved = None


def suspended_further_on(place: str, host: str) -> None:
    """Say where the program is that was to suspend itself here, and had gone on from here."""
    text = f"elsewhere: suspended to {place}{host}; continue there with: elsewhere resume {place}\n"
    try:  # noqa: SIM105  # contextlib imports much
        os.write(2, text.encode())
    except OSError:
        pass  # nobody hears it


def end_as(status: int) -> NoReturn:
    """End as the program did: with its exit code, or of its signal if `status` is negative."""
    if status == 0:
        _program.completed()
    if status < 0:
        number = -status
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
        os._exit(128 + number)
    os._exit(status)
