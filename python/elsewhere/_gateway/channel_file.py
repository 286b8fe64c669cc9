"""Channels as files."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from elsewhere._gateway.channel import Channel


class ChannelFile:
    """What both kinds share."""

    def __init__(self, channel: Channel, proxyclose: bool = True) -> None:
        self.channel = channel
        self._proxyclose = proxyclose

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Close the channel too, if it was made so."""
        if self._proxyclose:
            self.channel.close()

    def __repr__(self) -> str:
        state = "closed" if self.channel.isclosed() else "open"
        return f"<ChannelFile {self.channel.id} {state}>"


class ChannelFileWrite(ChannelFile):
    """Each write is an item."""

    def write(self, out: str | bytes) -> None:
        self.channel.send(out)

    def flush(self) -> None:
        """Nothing is held back."""


class ChannelFileRead(ChannelFile):
    """Items, all str or all bytes, as one text."""

    _buffer: Any = None

    def _fill(self) -> None:
        item = self.channel.receive()
        self._buffer = item if self._buffer is None else self._buffer + item

    def read(self, n: int) -> Any:
        """`n` characters or bytes; less at the end, "" behind it."""
        try:
            while self._buffer is None or len(self._buffer) < n:
                self._fill()
        except EOFError:
            self.close()
        if self._buffer is None:
            return ""
        taken, self._buffer = self._buffer[:n], self._buffer[n:]
        return taken

    def readline(self) -> Any:
        """Up to and with the next newline; what is left at the end."""
        looked = 0
        try:
            while True:
                if self._buffer is not None:
                    newline = b"\n" if isinstance(self._buffer, bytes) else "\n"
                    found = self._buffer.find(newline, looked)
                    if found >= 0:
                        return self.read(found + 1)
                    looked = len(self._buffer)
                self._fill()
        except EOFError:
            return self.read(looked + 1)
