"""Channels: values to and from code at the other end of a gateway."""

from __future__ import annotations

from elsewhere import _elsewhere
from elsewhere.errors import Disconnected, Error
from elsewhere.errors import Timeout as TimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from elsewhere._gateway.gateway import Gateway


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
