"""Many gateways at the same time."""

from __future__ import annotations

import os
import threading

from elsewhere.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from elsewhere._gateway.gateway import Gateway
    from elsewhere._gateway.spec import XSpec

# A server that is asked for more logins at once than this turns some away (sshd: MaxStartups 10).
TO_ONE_PLACE = 8
HERE = max(8, 2 * (os.cpu_count() or 1))  # interpreters that start on this machine
AT_ONCE = 64
WAYS = (
    "ssh", "socket", "unix", "sudo", "docker", "podman", "kubectl", "lxc", "nsenter", "bwrap", "cmd"
)  # fmt: skip


def make_all(specs: list[XSpec], make: Callable[[XSpec], Gateway]) -> list[Gateway]:
    """What `make` gives for each, in their order; all or none.

    Raises:
        Exception: what `make` raised. Of several failures, the first one's class, with the text of
            each.
    """
    start = _Start(specs, make)
    threads = min(AT_ONCE, start.width())
    for number in range(threads):
        threading.Thread(target=start.work, name=f"start {number}", daemon=True).start()
    try:
        start.wait()
    except BaseException:  # Ctrl-C: what is on its way ends when it comes
        start.give_up()
        raise
    if start.failures:
        start.give_up()
        raise _error_of(start.failures, specs)
    return [start.made[number] for number in range(len(specs))]


class _Start:
    def __init__(self, specs: list[XSpec], make: Callable[[XSpec], Gateway]) -> None:
        self._specs, self._make = specs, make
        self._changed = threading.Condition()
        self._pending = list(range(len(specs)))
        self._running: set[int] = set()
        self._places = [_place(spec) for spec in specs]
        self._busy = dict.fromkeys(self._places, 0)  # how many are being started there
        self._given_up = False
        self.made: dict[int, Gateway] = {}
        self.failures: dict[int, Exception] = {}

    def width(self) -> int:
        """How many of them may start at the same time."""
        return sum(min(_room(place), self._places.count(place)) for place in self._busy)

    def wait(self) -> None:
        with self._changed:
            while self._pending or self._running:
                self._changed.wait(1.0)  # a signal is handled between two

    def give_up(self) -> None:
        with self._changed:
            self._given_up = True
            self._pending.clear()
            made = list(self.made.values())
            self.made.clear()
        for gateway in made:
            gateway.exit()
        for gateway in reversed(made):
            gateway.close(1.0)

    def work(self) -> None:
        """The body of a thread."""
        while (number := self._next()) is not None:
            try:
                gateway = self._make(self._specs[number])
            except Exception as error:
                with self._changed:
                    self.failures[number] = error
            else:
                with self._changed:
                    too_late = self._given_up
                    if not too_late:
                        self.made[number] = gateway
                if too_late:
                    gateway.close(1.0)
            with self._changed:
                self._running.discard(number)
                self._busy[self._places[number]] -= 1
                self._changed.notify_all()

    def _next(self) -> int | None:
        with self._changed:
            while self._pending:
                number = next(filter(self._may_start, self._pending), None)
                if number is None and not self._running:
                    number = self._pending[0]  # those that need each other are refused by `make`
                if number is not None:
                    self._pending.remove(number)
                    self._running.add(number)
                    self._busy[self._places[number]] += 1
                    return number
                self._changed.wait()
            return None

    def _may_start(self, number: int) -> bool:
        """Its place is not overrun, and what it goes through is there."""
        place, spec = self._places[number], self._specs[number]
        if self._busy[place] >= _room(place):
            return False
        through = {spec.via, spec.installvia} - {None}
        return not through or through.isdisjoint(
            self._specs[other].id for other in (*self._pending, *self._running)
        )


def _place(spec: XSpec) -> str:
    parts = [f"{way}={getattr(spec, way)}" for way in WAYS if getattr(spec, way) is not None]
    return "//".join([*parts, f"via={spec.via}"] if spec.via is not None else parts)


def _room(place: str) -> int:
    return TO_ONE_PLACE if place else HERE


def _error_of(failures: dict[int, Exception], specs: list[XSpec]) -> Exception:
    first = failures[min(failures)]
    if len(specs) == 1:
        return first
    lines = [f"{specs[number]}: {failures[number]}" for number in sorted(failures)]
    kind = type(first) if isinstance(first, Error) else Error
    error = kind(f"{len(lines)} of {len(specs)} gateways could not be made:\n" + "\n".join(lines))
    error.__cause__ = first
    return error
