"""Gateways and channels: execnet's names and semantics on the native link."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from types import FunctionType, ModuleType

from elsewhere import _elsewhere
from elsewhere._elsewhere import dumps, loads
from elsewhere.errors import Disconnected, DumpError, Error, UsageError
from elsewhere.errors import Timeout as TimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = [
    "Channel",
    "DumpError",
    "Gateway",
    "RemoteError",
    "TimeoutError",
    "XSpec",
    "default_group",
    "dumps",
    "loads",
    "makegateway",
]


class RemoteError(Error):
    """An exception ended the code at the other end; `formatted` is its traceback."""

    def __init__(self, formatted: str) -> None:
        super().__init__(formatted)
        self.formatted = formatted


class ConnectionLost(Disconnected, EOFError):
    """Nothing more can come: the connection was lost."""


def _end_of(channel: Channel, lost: str) -> BaseException:
    """What receive() raises when no item will come."""
    if lost and channel.gateway._exit_was_not_asked():
        return ConnectionLost(f"{channel!r}: {lost}")
    return EOFError(f"{channel!r} is closed")


# ---- specs ---------------------------------------------------------------------------------------


class XSpec:
    """`key=value//key=value`: attributes by name, None for those that are not there.

    Raises:
        AttributeError: a key begins with an underscore.
        ValueError: a key is given twice.
    """

    def __init__(self, string: str) -> None:
        self.__dict__.update(_spec=string, env={})
        for part in string.split("//"):
            key, given, value = part.partition("=")
            if key.startswith("_"):
                raise AttributeError(f"{part!r} in {string!r}: keys do not begin with _")
            if key.startswith("env:"):
                self.env[key[4:]] = value
                continue
            if key in self.__dict__:
                raise ValueError(f"duplicate key {key!r} in {string!r}")
            self.__dict__[key] = value if given else True

    env: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None

    def __repr__(self) -> str:
        return f"<XSpec {self._spec!r}>"

    def __str__(self) -> str:
        return str(self._spec)

    def __hash__(self) -> int:
        return hash(self._spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, XSpec) and self._spec == other._spec


# ---- channels ------------------------------------------------------------------------------------


class Channel(_elsewhere.Channel):  # type: ignore[misc]
    """Values to and from code that runs at the other end of a gateway."""

    RemoteError = RemoteError
    TimeoutError = TimeoutError
    gateway: Gateway
    id: int

    def __repr__(self) -> str:
        state = "closed" if self.isclosed() else "open"
        return f"<Channel id={self.id} {state}>"

    def close(self, error: str | None = None) -> None:
        """Neither send nor receive any more. `error`: text of a RemoteError at the other end."""
        self._close(None if error is None else str(error))

    def isclosed(self) -> bool:
        """Whether nothing can be sent any more; items may still wait to be received."""
        closed: bool = self._state()[2]
        return closed

    def waitclose(self, timeout: float | None = None) -> None:
        """Return when the other end has closed the channel.

        Raises:
            RemoteError: an exception ended the code there.
            TimeoutError: `timeout` seconds have passed.
        """
        self._wait_closed(timeout)
        if error := self._remote_error():
            raise RemoteError(error)
        lost = self.gateway._why_over()
        if lost and self.gateway._exit_was_not_asked():
            raise ConnectionLost(f"{self!r}: {lost}")

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self.receive()
        except EOFError:
            raise StopIteration from None


# ---- gateways ------------------------------------------------------------------------------------


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
        channel = self._execute(_LIST_PYTHONS, None, {})
        try:
            found: list[str] = channel.receive(10)
        except (Error, EOFError, OSError):
            return []
        return found


_LIST_PYTHONS = r"""
import glob, os, subprocess
found = {}
places = os.environ.get("PATH", "").split(":") + ["/usr/bin", "/usr/local/bin", "/opt/*/bin"]
places += ["~/.pyenv/versions/*/bin", "~/*conda*/bin", "~/*conda*/envs/*/bin"]
for place in places:
    for path in glob.glob(os.path.expanduser(place) + "/python3.[0-9]*"):
        if path.rpartition(".")[2].isdigit() and "/shims/" not in path:
            found.setdefault(os.path.realpath(path), path)
versions = []
for path in found.values():
    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    try:
        out = subprocess.Popen([path, "-c", code], stdout=-1, stderr=-1).communicate()[0]
        versions.append(out.decode().strip() + " " + path)
    except Exception:
        continue
channel.send(sorted(v for v in versions if not v.startswith(" ")))
"""


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


# ---- groups --------------------------------------------------------------------------------------


class Group:
    """Gateways that end together: at the latest with this process."""

    def __init__(self) -> None:
        self._gateways: list[Gateway] = []
        self._count = 0
        self._process = os.getpid()
        atexit.register(self._at_exit)

    def __iter__(self) -> Iterator[Gateway]:
        return iter(list(self._gateways))

    def __len__(self) -> int:
        return len(self._gateways)

    def __contains__(self, key: object) -> bool:
        return any(key is gateway or key == gateway.id for gateway in self._gateways)

    def __getitem__(self, key: int | str) -> Gateway:
        if isinstance(key, int):
            return self._gateways[key]
        for gateway in self._gateways:
            if gateway.id == key:
                return gateway
        raise KeyError(key)

    def makegateway(self, spec: str | XSpec = "popen") -> Gateway:
        """Start or reach a Python interpreter.

        Args:
            spec: how to get there, e.g. "popen", "ssh=user@host//python=3.12".

        Raises:
            elsewhere.errors.UsageError: a spec that makes no sense.
            elsewhere.errors.Unreachable: the host cannot be reached.
            elsewhere.errors.Untrusted: the host or its key is not trusted.
            elsewhere.errors.Unsupported: there is no fitting Python.
        """
        if not isinstance(spec, XSpec):
            spec = XSpec(spec)
        name = spec.id or f"gw{self._count}"
        if name in self:
            raise ValueError(f"already have gateway with id {name!r}")
        self._count += 1
        gateway = Gateway(spec, name, self)
        self._gateways.append(gateway)
        return gateway

    def terminate(self, timeout: float | None = None) -> None:
        """End all gateways, in `timeout` seconds at most (10 if None). Never raises."""
        for gateway in self:
            gateway.close(10.0 if timeout is None else timeout)

    def _forget(self, gateway: Gateway) -> None:
        if gateway in self._gateways:
            self._gateways.remove(gateway)

    def _at_exit(self) -> None:
        if os.getpid() == self._process:
            self.terminate(1.0)


default_group = Group()
_of_moving_programs = Group()
makegateway: Callable[..., Gateway] = default_group.makegateway


def open_gateway(text: str, version: str) -> Gateway:
    """For a program that moves: a Python of its version, unless the spec names one."""
    spec = XSpec(text)
    if spec.python is None and not (spec.popen and not spec.before):
        spec = XSpec(f"{text}//python={version}")
    return _of_moving_programs.makegateway(spec)
