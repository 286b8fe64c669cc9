"""elsewhere.fork, the parent's side: children on other interpreters."""

from __future__ import annotations

import marshal
import os
import pickle
import queue
import threading

from elsewhere._travel.modules import find_module
from elsewhere._travel.origin import Journey, journey
from elsewhere.errors import Disconnected, Timeout, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class Child:
    """A program forked to another interpreter.

    Attributes:
        host: where it runs.
        pid: its process there.
        channel: values to and from it; in the child, `elsewhere.parent()` is the other end.
    """

    def __init__(self, journey: Journey) -> None:
        self.host: str = journey.host
        self.pid: int = journey.pid
        self._journey = journey
        self._status: int | None = None
        self._ended = threading.Event()
        self._values: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.channel = ChildChannel(self)
        journey.channel.send(("in", None))  # the parent's stdin is the parent's
        threading.Thread(target=self._hear, daemon=True, name=f"child {self.pid}").start()

    def __repr__(self) -> str:
        return f"<Child {self.pid} at {self.host}>"

    def wait(self, timeout: float | None = None) -> int:
        """The exit code of the child, or minus the number of the signal that ended it.

        Raises:
            elsewhere.errors.Timeout: it has not ended within `timeout` seconds.
            elsewhere.errors.Disconnected: the connection was lost.
        """
        if not self._ended.wait(timeout):
            raise Timeout(f"{self!r} has not ended within {timeout} s", "wait longer")
        if self._status is None:
            raise Disconnected(
                f"the connection to {self!r} was lost",
                f"it suspends itself there into {self._journey.place}",
            )
        return self._status

    def _hear(self) -> None:
        channel = self._journey.channel
        try:
            while True:
                message = channel.receive()
                what = message[0]
                if what in ("out", "err"):
                    _write(1 if what == "out" else 2, message[1])
                elif what == "value":
                    self._values.put(message[1])
                elif what == "find":
                    channel.send(("module", find_module(*message[1:])))
                elif what == "exit":
                    self._status = message[1]
                    channel.send(("over",))
                    break
        except Exception:  # the link has gone: wait() and receive() say so
            pass
        self._values.put(None)
        self._ended.set()


class ChildChannel:
    """Values of builtin types between a parent and its child."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def send(self, item: Any) -> None:
        """Send a value. Raises ValueError if it is not of builtin types, OSError: child gone."""
        self._child._journey.channel.send(("value", marshal.dumps(item, 2)))

    def receive(self, timeout: float | None = None) -> Any:
        """The child's next value.

        Raises:
            EOFError: it has ended, and everything was received.
            elsewhere.errors.Timeout: nothing came within `timeout` seconds.
        """
        values = self._child._values
        try:
            item = values.get(timeout=timeout)
        except queue.Empty:
            raise Timeout(f"{self._child!r} sent nothing within {timeout} s", "") from None
        if item is None:
            values.put(None)
            raise EOFError(f"{self._child!r} has ended")
        from elsewhere._gateway.values import loads

        return loads(item)

    def __iter__(self) -> Any:
        while True:
            try:
                yield self.receive()
            except EOFError:
                return


class Litter:
    """The children of one fork, on their way."""

    def __init__(self, spec: str, values: int | Iterable[Any]) -> None:
        self.many = not (isinstance(values, int) and values == 1)
        wanted = list(range(values)) if isinstance(values, int) else list(values)
        if not wanted:
            raise UsageError("a fork into no children", "give n >= 1 or at least one value")
        self.journeys: list[Journey] = []
        try:
            for value in wanted:
                self.journeys.append(journey(spec, "fork", pickle.dumps(value)))
        except BaseException:
            self.abandon()
            raise

    def hand_over(self, state: Any) -> Child | list[Child]:
        for way in self.journeys:
            way.hand_over(state)
        for way in self.journeys:
            way.say_go()
        for way in self.journeys:
            way.await_gone()
        children = [Child(way) for way in self.journeys]
        return children if self.many else children[0]

    def abandon(self) -> None:
        for way in self.journeys:
            way.abandon()


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        pass  # closed: there is nobody to tell
