"""Channels: values to and from code at the other end of a gateway."""

from __future__ import annotations

from elsewhere import _elsewhere
from elsewhere.errors import ConnectionLost, Error, RemoteError
from elsewhere.errors import Timeout as TimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Literal

    from elsewhere._gateway.callbacks import Receiver
    from elsewhere._gateway.channel_file import ChannelFileRead, ChannelFileWrite
    from elsewhere._gateway.gateway import Gateway

NO_ENDMARKER_WANTED = object()


class Channel(_elsewhere.Channel):  # type: ignore[misc]
    """Values to and from code that runs at the other end of a gateway.

    Any thread may use it. A channel that the program drops is closed, unless it has a callback:
    then the other end can go on sending.
    """

    RemoteError = RemoteError
    TimeoutError = TimeoutError
    gateway: Gateway
    id: int
    _receiver: Receiver | None = None
    _error: Error | None = None  # of this end

    def __repr__(self) -> str:
        state = "closed" if self.isclosed() else "open"
        return f"<Channel id={self.id} {state}>"

    def __del__(self) -> None:
        # An error that nobody has looked at does not go silently.
        text = self._take_error()
        for error in (self._error, RemoteError(text) if text else None):
            if isinstance(error, RemoteError):
                error.warn()

    def close(self, error: object = None) -> None:
        """Neither send nor receive any more. `error`: text of a RemoteError at the other end."""
        self._close(None if error is None else str(error))
        if isinstance(error, RemoteError):
            self._error = error

    def isclosed(self) -> bool:
        """Whether nothing can be sent any more; items may still wait to be received."""
        closed: bool = self._state()[2]
        return closed

    def waitclose(self, timeout: float | None = None) -> None:
        """Return when the other end has closed the channel, or has ended; after the last callback.

        Raises:
            RemoteError: an exception ended the code there.
            EOFError: the connection was lost.
            TimeoutError: `timeout` seconds have passed.
        """
        if self._receiver is not None:
            self._receiver.wait_for_end(timeout)
        else:
            self._wait_closed(timeout)
        if error := self._getremoteerror():
            raise error

    def _getremoteerror(self) -> Error | None:
        """Why there will be no more: an error, which is told once, or a lost connection."""
        if (error := self._error) is not None:
            self._error = None
            return error
        if text := self._take_error():
            return RemoteError(text)
        if lost := self.gateway._why_lost():
            return ConnectionLost(f"{self!r}: {lost}")
        return None

    def setcallback(
        self, callback: Callable[[Any], object], endmarker: object = NO_ENDMARKER_WANTED
    ) -> None:
        """Call `callback` with each item from now on, in the gateway's thread for callbacks.

        Args:
            callback: called first, here, with each item that has already come.
            endmarker: with what to call it, once, when nothing more will come.

        Raises:
            OSError: there is a callback already.
        """
        if self._receiver is not None:
            raise OSError(f"{self!r} has callback already registered")
        self.gateway._callbacks().add(self, callback, endmarker)

    def makefile(
        self, mode: Literal["w", "r"] = "w", proxyclose: bool = False
    ) -> ChannelFileWrite | ChannelFileRead:
        """A file-like object: "w" sends what is written, "r" reads what is received.

        Args:
            proxyclose: closing the file closes the channel.

        Raises:
            ValueError: another mode.
        """
        from elsewhere._gateway.channel_file import ChannelFileRead, ChannelFileWrite

        if mode == "w":
            return ChannelFileWrite(self, proxyclose)
        if mode == "r":
            return ChannelFileRead(self, proxyclose)
        raise ValueError(f"mode {mode!r} not available")

    def reconfigure(self, py2str_as_py3str: bool = True, py3str_as_py2str: bool = False) -> None:
        """Set how the strings of Python 2 and 3 are taken for each other on this channel."""
        self.gateway._set_strings(self.id, py2str_as_py3str, py3str_as_py2str)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self.receive()
        except EOFError:
            raise StopIteration from None

    next = __next__

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- asyncio -----------------------------------------------------------------------------

    async def areceive(self, timeout: float | None = None) -> Any:
        """As receive(), in a coroutine."""
        from elsewhere._gateway.asynchronous import receive

        return await receive(self, timeout)

    async def awaitclose(self, timeout: float | None = None) -> None:
        """As waitclose(), in a coroutine."""
        from elsewhere._gateway.asynchronous import wait_closed

        await wait_closed(self, timeout)

    def __aiter__(self) -> Channel:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.areceive()
        except EOFError:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
