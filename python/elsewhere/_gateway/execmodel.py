"""What programs written for execnet find at `gateway.execmodel`: this end's threads."""

from __future__ import annotations

import os
import threading
import time
from _thread import get_ident, start_new_thread

from elsewhere.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import IO, Any

BACKENDS = ("thread", "main_thread_only")


class ExecModel:
    """Operating-system threads, and what they wait on."""

    backend = "thread"

    Lock = staticmethod(threading.RLock)
    RLock = staticmethod(threading.RLock)
    Event = staticmethod(threading.Event)
    sleep = staticmethod(time.sleep)
    get_ident = staticmethod(get_ident)

    def __repr__(self) -> str:
        return f"<ExecModel {self.backend!r}>"

    @property
    def queue(self) -> ModuleType:
        import queue

        return queue

    @property
    def subprocess(self) -> ModuleType:
        import subprocess

        return subprocess

    @property
    def socket(self) -> ModuleType:
        import socket

        return socket

    def start(self, func: Callable[..., object], args: tuple[Any, ...] = ()) -> None:
        """Call `func(*args)` in a new thread."""
        start_new_thread(func, args)

    def fdopen(self, fd: int, mode: str, bufsize: int = 1, closefd: bool = True) -> IO[Any]:
        return os.fdopen(fd, mode, bufsize, encoding="utf-8", closefd=closefd)


class MainThreadOnly(ExecModel):
    """The far side runs all code in its main thread, one after the other."""

    backend = "main_thread_only"


def get_execmodel(backend: str | ExecModel) -> ExecModel:
    """The model of that name.

    Raises:
        UsageError: there is none.
    """
    if isinstance(backend, ExecModel):
        return backend
    if backend == "thread":
        return ExecModel()
    if backend == "main_thread_only":
        return MainThreadOnly()
    if backend in ("gevent", "eventlet"):
        raise UsageError(
            f"there is no execmodel {backend!r}: it would block all greenlets",
            "use thread, and greenlets in the code that runs there",
        )
    raise UsageError(f"unknown execmodel {backend!r}", "use " + " or ".join(BACKENDS))
