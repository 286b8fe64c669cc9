"""execnet's messages and byte streams, for programs that speak its protocol themselves."""

from __future__ import annotations

import os
import struct
import sys
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from elsewhere._gateway.execmodel import ExecModel


def notrace(*msg: object) -> None:
    """What is said here, nobody hears."""


trace = notrace


def geterrortext(
    exc: BaseException,
    format_exception: Callable[..., list[str]] = traceback.format_exception,
    sysex: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit),
) -> str:
    """The traceback of an exception; only its name and text, if there is none."""
    try:
        return "".join(format_exception(type(exc), exc, exc.__traceback__))
    except sysex:
        raise
    except BaseException:
        return f"{type(exc).__name__}: {exc}"


class Popen2IO:
    """Two files, as one stream of bytes both ways."""

    error = (IOError, OSError, EOFError)

    def __init__(self, outfile: Any, infile: Any, execmodel: ExecModel) -> None:
        self.outfile, self.infile = outfile, infile
        self._read: Callable[[int], bytes] = getattr(infile, "buffer", infile).read
        self._write: Callable[[bytes], object] = getattr(outfile, "buffer", outfile).write
        self.execmodel = execmodel

    def read(self, numbytes: int) -> bytes:
        """So many bytes.

        Raises:
            EOFError: there were less.
        """
        parts: list[bytes] = []
        left = numbytes
        while left > 0:
            part = self._read(left)
            if not part:
                raise EOFError(f"expected {numbytes} bytes, got {numbytes - left}")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def write(self, data: bytes) -> None:
        if not isinstance(data, bytes):
            raise TypeError(f"bytes are written, not {type(data).__name__}")
        self._write(data)
        self.outfile.flush()

    def close_read(self) -> None:
        self.infile.close()

    def close_write(self) -> None:
        self.outfile.close()


def init_popen_io(execmodel: ExecModel) -> Popen2IO:
    """The process's own stdin and stdout, which are /dev/null for it from now on."""
    infile = os.fdopen(os.dup(0), "rb", 0)
    outfile = os.fdopen(os.dup(1), "wb", 0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout = os.fdopen(1, "w", 1, closefd=False)
    return Popen2IO(outfile, infile, execmodel)


class Message:
    """One message: a code, the channel it is for, and its bytes."""

    STATUS = 0
    RECONFIGURE = 1
    GATEWAY_TERMINATE = 2
    CHANNEL_EXEC = 3
    CHANNEL_DATA = 4
    CHANNEL_CLOSE = 5
    CHANNEL_CLOSE_ERROR = 6
    CHANNEL_LAST_MESSAGE = 7
    _names = (
        "STATUS",
        "RECONFIGURE",
        "GATEWAY_TERMINATE",
        "CHANNEL_EXEC",
        "CHANNEL_DATA",
        "CHANNEL_CLOSE",
        "CHANNEL_CLOSE_ERROR",
        "CHANNEL_LAST_MESSAGE",
    )
    _types = {number: (name, None) for number, name in enumerate(_names)}

    def __init__(self, msgcode: int, channelid: int = 0, data: bytes = b"") -> None:
        self.msgcode, self.channelid, self.data = msgcode, channelid, data

    @staticmethod
    def from_io(io: Any) -> Message:
        """The next one of a stream.

        Raises:
            EOFError: there is none.
        """
        header = io.read(9)
        if len(header) < 9:
            raise EOFError(f"couldn't load message header, {len(header)} bytes of 9")
        code, channel, size = struct.unpack("!bii", header)
        return Message(code, channel, io.read(size))

    def to_io(self, io: Any) -> None:
        io.write(struct.pack("!bii", self.msgcode, self.channelid, len(self.data)) + self.data)

    def __repr__(self) -> str:
        name = self._types[self.msgcode][0]
        return f"<Message {name} channel={self.channelid} lendata={len(self.data)}>"
