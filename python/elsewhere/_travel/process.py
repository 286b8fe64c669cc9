"""Runs at the far end: a process there that has its stdio here."""

from __future__ import annotations

import _thread
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any


ALIVE = 249  # of the process: by that the kernel tells it that this one was killed


class Process:
    """A child of the worker: made with its stdio, then started, in a session of its own.

    Attributes:
        stdin, stdout, stderr: our ends; the same descriptor `master` for those that are a terminal.

    With `keep`, those that are none are handed down as they are here, and there is no end of ours;
    nor is there one of those in `closed`, which it does not have.
    """

    pid = -1
    reaped = False

    def __init__(
        self,
        terminal: list[bool],
        window: tuple[int, int],
        keep: bool = False,
        closed: Collection[int] = (),
    ) -> None:
        self.closed = closed
        self.reaping = _thread.allocate_lock()  # without it `pid` may be another process's
        # A killed process is closed from the lowest descriptor on: `life` goes before all else.
        reading, self.life = os.pipe()
        self.alive = os.dup(reading)
        os.close(reading)
        self.master = slave = -1
        if any(terminal):
            self.master, slave = os.openpty()
            self.set_window(*window)
        self.ends: dict[int, int] = {}
        ours = []
        for number, is_terminal in enumerate(terminal):
            if is_terminal:
                self.ends[number] = os.dup(slave)
                ours.append(self.master)
            elif keep or number in closed:
                ours.append(-1)
            else:
                reading, writing = os.pipe()
                self.ends[number] = reading if number == 0 else writing
                ours.append(writing if number == 0 else reading)
        if slave >= 0:
            os.close(slave)
        self.stdin, self.stdout, self.stderr = ours

    def start(
        self, arguments: list[str], environment: dict[str, str], descriptors: dict[int, int]
    ) -> None:
        """Start this interpreter with `arguments`; `descriptors`: {number there: number here}."""
        copies = {**self.ends, **descriptors, ALIVE: self.alive}
        self.pid = os.posix_spawn(
            sys.executable,
            [sys.executable, *arguments],
            environment,
            # Ours are between 2 and 250, so none is overwritten before it has been copied.
            file_actions=[
                *((os.POSIX_SPAWN_CLOSE, number) for number in self.closed),
                *((os.POSIX_SPAWN_DUP2, have, want) for want, have in copies.items()),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[number for number in range(1, 32) if number not in (9, 19)],
        )
        for descriptor in self.ends.values():
            os.close(descriptor)
        self.if_we_die(1)

    def if_we_die(self, number: int) -> None:
        """The process gets that signal should this one be killed, whatever it does then."""
        import fcntl

        if hasattr(fcntl, "F_SETSIG"):
            fcntl.fcntl(self.alive, fcntl.F_SETOWN, self.pid)
            fcntl.fcntl(self.alive, fcntl.F_SETSIG, number)
            flags = fcntl.fcntl(self.alive, fcntl.F_GETFL)
            fcntl.fcntl(self.alive, fcntl.F_SETFL, flags | os.O_ASYNC)

    def set_window(self, lines: int, columns: int) -> None:
        if self.master >= 0:
            import fcntl
            import struct
            import termios

            size = struct.pack("4H", lines, columns, 0, 0)
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def wait(self) -> int:
        """Its exit code, or minus the signal."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        status = self.ended()
        assert status is not None
        return status

    def ended(self) -> int | None:
        """As wait(), but None while it has not."""
        with self.reaping:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.reaped = pid != 0
        return code_of(status) if pid else None

    def kill(self, number: int = 9) -> None:
        with self.reaping:
            try:
                if not self.reaped:
                    os.kill(self.pid, number)
            except ProcessLookupError:
                pass  # the program has its children reaped by the kernel

    # What a process without a control descriptor does not do.

    def hear(self) -> tuple[Any, ...] | None:
        return None

    def tell(self, message: tuple[Any, ...]) -> bool:
        return False

    def link_lost(self) -> None:
        """Nobody hears it any more: as when a terminal is closed."""
        self.kill(1)

    def spool_path(self) -> str | None:
        """Where output is kept that nobody hears; None: it is dropped."""
        return None


def code_of(status: int) -> int:
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
