"""Functions called in other interpreters: gateway.submit() and what an Executor is made of."""

from __future__ import annotations

import pickle
import sys
import threading
from collections import deque
from concurrent.futures import BrokenExecutor, Future
from importlib.util import MAGIC_NUMBER

from elsewhere._gateway import by_value, call_server
from elsewhere._gateway.imports import wants_calls_to_import
from elsewhere.errors import Disconnected, Error, RemoteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from elsewhere._gateway.gateway import Gateway


class Lost(Disconnected, BrokenExecutor):
    """The interpreter that was calling the function is gone."""


class Work:
    """A call, and who waits for it."""

    def __init__(self, what: tuple[Any, ...]) -> None:
        self.what = what
        self.future: Future[Any] = Future()


class Backlog:
    """Calls to be made, and the interpreters that make them, each one after the other."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.works: deque[Work] = deque()
        self.callers: list[Caller] = []

    def submit(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Future[Any]:
        work = Work((function, args, kwargs))
        with self.lock:
            if not self.callers:
                raise Lost("there is no interpreter left to call it in")
            self.works.append(work)
            free = next((caller for caller in self.callers if not caller.busy), None)
            if free is not None:
                free.busy = True
        if free is not None:
            free.go_on()
        return work.future

    def next_for(self, caller: Caller) -> Work | None:
        with self.lock:
            while self.works:
                work = self.works.popleft()
                if work.future.set_running_or_notify_cancel():
                    return work
            caller.busy = False
            return None

    def leave(self, caller: Caller, why: str) -> None:
        """That interpreter is gone; when it was the last, so is all hope."""
        with self.lock:
            if caller in self.callers:
                self.callers.remove(caller)
            left = [] if self.callers else list(self.works)
            if left:
                self.works.clear()
        for work in left:
            if work.future.set_running_or_notify_cancel():
                work.future.set_exception(Lost(why))


class Caller:
    """One interpreter, which makes the calls of a backlog."""

    def __init__(self, gateway: Gateway, backlog: Backlog) -> None:
        self.busy = False
        self._gateway = gateway
        self._backlog = backlog
        self._running: Work | None = None
        self._same_code = gateway.facts["magic"] == MAGIC_NUMBER
        self._values = gateway.spec.trust == "values"
        self._protocol = 2 if gateway.facts["python"][0] == 2 else 5 if self._same_code else 4
        if wants_calls_to_import(gateway):
            gateway._lend_modules()
        self._channel = gateway.remote_exec(call_server)
        self._channel.reconfigure(py2str_as_py3str=False)
        self._channel.send((self._values, sys.path if gateway.is_local else []))
        self._channel.setcallback(self._answered, endmarker=None)
        with backlog.lock:
            backlog.callers.append(self)

    def go_on(self) -> None:
        """Make the next call, if there is one."""
        while (work := self._backlog.next_for(self)) is not None:
            try:
                data = by_value.dumps(work.what, self._protocol, self._same_code)
            except BaseException as error:
                work.future.set_exception(error)
                continue
            self._running = work
            try:
                self._channel.send(data)
            except (Error, OSError):
                self._answered(None)
            return

    def _answered(self, answer: tuple[Any, ...] | None) -> None:
        work, self._running = self._running, None
        if answer is None:
            error = self._channel._getremoteerror()
            why = str(error) if error else f"{self._gateway!r} has ended"
            self._backlog.leave(self, why)
            if work is not None:
                work.future.set_exception(Lost(why))
            return
        if work is not None:
            self._tell(work.future, answer)
        work = None
        self.go_on()

    def _tell(self, future: Future[Any], answer: tuple[Any, ...]) -> None:
        try:
            if answer[0]:
                result = answer[1] if self._values else pickle.loads(answer[1])
            else:
                future.set_exception(self._error(answer))
                return
        except BaseException as error:  # what it has made is nothing here
            future.set_exception(error)
        else:
            future.set_result(result)

    def _error(self, answer: tuple[Any, ...]) -> BaseException:
        text = RemoteError(answer[2])
        if self._values or answer[1] is None:
            return text
        error: BaseException = pickle.loads(answer[1])
        error.__cause__ = text
        return error
