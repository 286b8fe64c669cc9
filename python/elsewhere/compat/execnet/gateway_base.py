"""execnet.gateway_base: what both ends share, and the bytes of `dumps`.

On the wire between elsewhere's ends values are encoded otherwise (spec/values.md). This is for what
programs have stored, or give to each other.
"""

from __future__ import annotations

import struct
from io import BytesIO

from elsewhere._gateway.channel import NO_ENDMARKER_WANTED
from elsewhere._gateway.channel_file import ChannelFile, ChannelFileRead, ChannelFileWrite
from elsewhere._gateway.execmodel import ExecModel, get_execmodel
from elsewhere.compat.execnet._channels import Channel, ChannelFactory
from elsewhere.compat.execnet._messages import (
    Message,
    Popen2IO,
    geterrortext,
    init_popen_io,
    notrace,
    trace,
)
from elsewhere.compat.execnet._pool import Reply, WorkerPool
from elsewhere.errors import DataFormatError, DumpError, LoadError, RemoteError
from elsewhere.errors import Timeout as TimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "DUMPFORMAT_VERSION",
    "INTERRUPT_TEXT",
    "MAIN_THREAD_ONLY_DEADLOCK_TEXT",
    "NO_ENDMARKER_WANTED",
    "Channel",
    "ChannelFactory",
    "ChannelFile",
    "ChannelFileRead",
    "ChannelFileWrite",
    "DataFormatError",
    "DumpError",
    "ExecModel",
    "LoadError",
    "Message",
    "Popen2IO",
    "RemoteError",
    "Reply",
    "TimeoutError",
    "Unserializer",
    "WorkerPool",
    "bchr",
    "dump",
    "dumps",
    "dumps_internal",
    "get_execmodel",
    "geterrortext",
    "init_popen_io",
    "load",
    "loads",
    "loads_internal",
    "notrace",
    "opcode",
    "sysex",
    "trace",
]

sysex = (KeyboardInterrupt, SystemExit)
INTERRUPT_TEXT = "keyboard-interrupted"
MAIN_THREAD_ONLY_DEADLOCK_TEXT = (
    "concurrent remote_exec would cause deadlock for main_thread_only execmodel"
)
DUMPFORMAT_VERSION = b"\2"
LARGEST = 0x7FFFFFFF


def bchr(n: int) -> bytes:
    """The byte of that value."""
    return bytes([n])


class opcode:
    """The bytes that say what comes: sizes and ints are 4 bytes, big-endian."""

    BUILDTUPLE = b"@"  # size: of the last values
    BYTES = b"A"  # size, bytes
    CHANNEL = b"B"  # id
    FALSE = b"C"
    FLOAT = b"D"
    FROZENSET = b"E"  # size: of the last values
    INT = b"F"
    LONG = b"G"  # as INT, of Python 2
    LONGINT = b"H"  # size, decimal digits
    LONGLONG = b"I"  # as LONGINT, of Python 2
    NEWDICT = b"J"
    NEWLIST = b"K"  # size; its items are set
    NONE = b"L"
    PY2STRING = b"M"  # size, bytes
    PY3STRING = b"N"  # size, UTF-8
    SET = b"O"  # size: of the last values
    SETITEM = b"P"  # of the third-last value: key, value
    STOP = b"Q"
    TRUE = b"R"
    UNICODE = b"S"  # size, UTF-8, of Python 2
    COMPLEX = b"T"


def dumps(obj: object) -> bytes:
    """The bytes of a value of exact builtin types.

    Raises:
        DumpError: it is, or has in it, something else.
    """
    return DUMPFORMAT_VERSION + dumps_internal(obj)


def dump(byteio: Any, obj: object) -> None:
    """Write dumps(obj) to a file."""
    byteio.write(dumps(obj))


def loads(bytestring: bytes, py2str_as_py3str: bool = False, py3str_as_py2str: bool = False) -> Any:
    """The value that bytes stand for.

    Args:
        py2str_as_py3str: strings of Python 2 become str, by Latin-1, not bytes.
        py3str_as_py2str: strings of Python 3 become bytes, not str.

    Raises:
        LoadError: they are those of no value.
        EOFError: there are none.
    """
    return load(BytesIO(bytestring), py2str_as_py3str, py3str_as_py2str)


def load(io: Any, py2str_as_py3str: bool = False, py3str_as_py2str: bool = False) -> Any:
    """The next value in a file; see loads()."""
    return Unserializer(io, strconfig=(py2str_as_py3str, py3str_as_py2str)).load(versioned=True)


def dumps_internal(obj: object) -> bytes:
    """dumps(), without the version."""
    out: list[bytes] = []
    try:
        _save(obj, out.append)
    except RecursionError:
        raise DumpError("a value is nested too deeply, or contains itself") from None
    return b"".join(out) + opcode.STOP


def loads_internal(
    bytestring: bytes, channelfactory: object = None, strconfig: tuple[bool, bool] | None = None
) -> Any:
    """loads(), without a version."""
    return Unserializer(BytesIO(bytestring), channelfactory, strconfig).load()


def _sized(data: bytes) -> bytes:
    return _size(len(data)) + data


def _size(count: int) -> bytes:
    if count > LARGEST:
        raise DumpError(f"too long: {count}")
    return struct.pack("!i", count)


def _save(obj: Any, write: Callable[[bytes], object]) -> None:
    kind = type(obj)
    if obj is None or kind is bool:
        write({None: opcode.NONE, True: opcode.TRUE, False: opcode.FALSE}[obj])
    elif kind is int:
        short = -LARGEST <= obj <= LARGEST
        write(
            opcode.INT + struct.pack("!i", obj) if short else opcode.LONGINT + _sized(b"%d" % obj)
        )
    elif kind is float:
        write(opcode.FLOAT + struct.pack("!d", obj))
    elif kind is complex:
        write(opcode.COMPLEX + struct.pack("!dd", obj.real, obj.imag))
    elif kind is bytes:
        write(opcode.BYTES + _sized(obj))
    elif kind is str:
        try:
            write(opcode.PY3STRING + _sized(obj.encode("utf-8")))
        except UnicodeEncodeError as error:
            raise DumpError("strings must be utf-8 encodable") from error
    elif kind is list or kind is dict:
        write(opcode.NEWLIST + _size(len(obj)) if kind is list else opcode.NEWDICT)
        for key, value in enumerate(obj) if kind is list else obj.items():
            _save(key, write)
            _save(value, write)
            write(opcode.SETITEM)
    elif kind in _COLLECTED:
        for value in obj:
            _save(value, write)
        write(_COLLECTED[kind] + _size(len(obj)))
    elif isinstance(obj, Channel):
        write(opcode.CHANNEL + struct.pack("!i", obj.id))
    else:
        raise DumpError(f"can't serialize {kind}")


_COLLECTED: dict[type, bytes] = {
    tuple: opcode.BUILDTUPLE,
    set: opcode.SET,
    frozenset: opcode.FROZENSET,
}
_KINDS: dict[bytes, type] = {code: kind for kind, code in _COLLECTED.items()}
_CONSTANTS = {opcode.NONE: None, opcode.TRUE: True, opcode.FALSE: False}


class Unserializer:
    """Reads values of a file.

    Args:
        stream: its `read(n)` gives `n` bytes, but at the end.
        channel_or_gateway: for channels in values, and what to make of strings.
    """

    def __init__(
        self,
        stream: Any,
        channel_or_gateway: Any = None,
        strconfig: tuple[bool, bool] | None = None,
    ) -> None:
        self.stream = stream
        self.gateway = getattr(channel_or_gateway, "gateway", channel_or_gateway)
        own: tuple[bool, bool] | None = getattr(channel_or_gateway, "_strconfig", None)
        self.py2str_as_py3str, self.py3str_as_py2str = strconfig or own or (True, False)

    def load(self, versioned: bool = False) -> Any:
        """The next value; `versioned`: the format's version comes first.

        Raises:
            LoadError: there is none.
            EOFError: the file is at its end.
        """
        if versioned:
            version = self.stream.read(1)
            if not version:
                raise EOFError
            if version != DUMPFORMAT_VERSION:
                raise LoadError(f"wrong dumpformat version {version!r}")
        stack: list[Any] = []
        try:
            while (code := self.stream.read(1)) != opcode.STOP:
                if not code:
                    raise EOFError("the value is not complete")
                self._step(code, stack)
        except (struct.error, ValueError, TypeError, IndexError, AttributeError) as error:
            if isinstance(error, LoadError):
                raise
            raise LoadError(f"no value: {error}") from None
        if len(stack) != 1:
            raise LoadError(f"{len(stack)} values, where there must be one")
        return stack.pop()

    def _step(self, code: bytes, stack: list[Any]) -> None:
        if code in _CONSTANTS:
            stack.append(_CONSTANTS[code])
        elif code in (opcode.INT, opcode.LONG):
            stack.append(self._int())
        elif code in (opcode.LONGINT, opcode.LONGLONG):
            stack.append(int(self._bytes()))
        elif code == opcode.FLOAT:
            stack.append(*struct.unpack("!d", self._read(8)))
        elif code == opcode.COMPLEX:
            stack.append(complex(*struct.unpack("!dd", self._read(16))))
        elif code == opcode.BYTES:
            stack.append(self._bytes())
        elif code == opcode.PY2STRING:
            data = self._bytes()
            stack.append(data.decode("latin-1") if self.py2str_as_py3str else data)
        elif code in (opcode.PY3STRING, opcode.UNICODE):
            data = self._bytes()
            as_bytes = code == opcode.PY3STRING and self.py3str_as_py2str
            stack.append(data if as_bytes else data.decode("utf-8"))
        elif code == opcode.NEWDICT:
            stack.append({})
        elif code == opcode.NEWLIST:
            self._int()
            stack.append([])
        elif code == opcode.SETITEM:
            value, key = stack.pop(), stack.pop()
            if type(stack[-1]) is not list:
                stack[-1][key] = value
            elif key == len(stack[-1]):
                stack[-1].append(value)
            else:
                raise LoadError(f"item {key!r} of a list comes as number {len(stack[-1])}")
        elif code in _KINDS:
            count = self._int()
            if not 0 <= count <= len(stack):
                raise LoadError(f"{count} items, where there are {len(stack)}")
            at = len(stack) - count
            stack[at:] = [_KINDS[code](stack[at:])]
        elif code == opcode.CHANNEL and self.gateway is not None:
            stack.append(self.gateway._channelfactory.new(self._int()))
        else:
            raise LoadError(f"unknown opcode {code!r} - wire protocol corruption?")

    def _read(self, count: int) -> bytes:
        data: bytes = self.stream.read(count)
        if len(data) != count:
            raise LoadError(f"{count} bytes were to come, there are {len(data)}")
        return data

    def _int(self) -> int:
        value: int = struct.unpack("!i", self._read(4))[0]
        return value

    def _bytes(self) -> bytes:
        count = self._int()
        if count < 0:
            raise LoadError(f"a size of {count}")
        return self._read(count)
