"""A Python interpreter somewhere else."""

from __future__ import annotations

import sys
import weakref
from types import FunctionType, ModuleType

from elsewhere import _elsewhere
from elsewhere._gateway.channel import Channel
from elsewhere.errors import Error, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from elsewhere._gateway.group import Group
    from elsewhere._gateway.spec import XSpec


class Gateway(_elsewhere.Gateway):  # type: ignore[misc]
    """A Python interpreter somewhere else; see `makegateway`.

    Attributes:
        spec: the XSpec that it was made from.
        id: its name in its group.
        host: where it is, as the spec calls it.
        facts: what the interpreter told of itself: `python`, `executable`, `platform`, `pid`, …
    """

    host: str
    facts: dict[str, Any]

    def __init__(self, spec: XSpec, name: str, group: Group) -> None:
        self.spec = spec
        self.id = name
        self._group = group
        self._asked_to_exit = False
        self._channels: weakref.WeakValueDictionary[int, Channel] = weakref.WeakValueDictionary()
        text = str(spec)
        super().__init__(text, sys.executable, _known_magic(spec), _hello(spec, name))

    def __repr__(self) -> str:
        state = "closed" if self._why_over() else "open"
        return f"<Gateway id={self.id!r} {self.host} {state}>"

    @property
    def is_local(self) -> bool:
        """Whether it shares the file system with this process."""
        return bool(self.spec.popen)

    def remote_exec(self, source: str | FunctionType | ModuleType, **kwargs: object) -> Channel:
        """Execute code there, with a `channel` to here.

        Args:
            source: a text; a function that takes `channel` and `kwargs`, without closure and
                globals; or a module, which finds `__name__ == "__channelexec__"`.

        Raises:
            ValueError: the function cannot be sent.
            OSError: the connection was lost.
        """
        from elsewhere._sources import source_of

        text, file, function = source_of(source, kwargs)
        return self._execute(text, function, kwargs, file)

    def _execute(
        self, source: str, function: str | None, kwargs: dict[str, Any], file: str | None = None
    ) -> Channel:
        channel = self.newchannel()
        self._execute_on(channel.id, (source, file, function, kwargs))
        return channel

    def newchannel(self) -> Channel:
        """A channel that no code there knows yet; send it over another one."""
        return self._channel(self._open_channel())

    def _channel(self, number: int) -> Channel:
        channel = self._channels.get(number)
        if channel is None:
            channel = self._channels[number] = Channel(self, number)
        return channel

    def hasreceiver(self) -> bool:
        """Whether the connection is there."""
        return self._why_over() is None

    def exit(self) -> None:
        """Ask the interpreter to end, and end the connection. Never raises, never hangs."""
        self.close(2.0)

    def close(self, timeout: float) -> None:
        self._asked_to_exit = True
        self._group._forget(self)
        self._close(timeout)

    def _exit_was_not_asked(self) -> bool:
        return not self._asked_to_exit

    def pythons(self) -> list[str]:
        """Other CPythons there, as "3.12.1 /usr/bin/python3.12"."""
        from elsewhere._gateway.other_pythons import LIST_PYTHONS

        channel = self._execute(LIST_PYTHONS, None, {})
        try:
            found: list[str] = channel.receive(10)
        except (Error, EOFError, OSError):
            return []
        return found


def _known_magic(spec: XSpec) -> bytes | None:
    """The bytecode of the Python that will be found, so far as that can be known."""
    from importlib.util import MAGIC_NUMBER

    wish = spec.python
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    here = spec.popen and wish is None
    same = isinstance(wish, str) and (wish == minor or wish.startswith(minor + "."))
    cpython = sys.implementation.name == "cpython"
    return MAGIC_NUMBER if cpython and (here or same or wish == sys.executable) else None


def _hello(spec: XSpec, name: str) -> dict[str, Any]:
    hello: dict[str, Any] = {"wire": 1, "id": name}
    for key in ("chdir", "execmodel"):
        if (value := getattr(spec, key)) is not None:
            hello[key] = value
    if spec.nice is not None:
        try:
            hello["nice"] = int(spec.nice)
        except ValueError:
            raise UsageError(f"nice={spec.nice} is no number", "give -20 to 19") from None
    if spec.env:
        hello["environment"] = dict(spec.env)
    if spec.dont_write_bytecode:
        hello["dont_write_bytecode"] = True
    return hello
