"""Several channels as one."""

from __future__ import annotations

from elsewhere._gateway.channel import NO_ENDMARKER_WANTED
from elsewhere.errors import RemoteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from queue import Queue
    from typing import Any

    from elsewhere._gateway.channel import Channel


class MultiChannel:
    """Channels, each with the same code at its end."""

    _queue: Queue[tuple[Channel, Any]] | None = None

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = channels

    def __len__(self) -> int:
        return len(self._channels)

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._channels)

    def __getitem__(self, key: int) -> Channel:
        return self._channels[key]

    def __contains__(self, channel: object) -> bool:
        return channel in self._channels

    def send_each(self, item: object) -> None:
        """Send the same item to all."""
        for channel in self._channels:
            channel.send(item)

    def receive_each(self, withchannel: bool = False) -> list[Any]:
        """The next item of each; `withchannel`: pairs of channel and item.

        Raises:
            OSError: there is a receive queue, which takes all.
        """
        if self._queue is not None:
            raise OSError("receive_each() after make_receive_queue(): the queue takes all items")
        if withchannel:
            return [(channel, channel.receive()) for channel in self._channels]
        return [channel.receive() for channel in self._channels]

    def make_receive_queue(
        self, endmarker: object = NO_ENDMARKER_WANTED
    ) -> Queue[tuple[Channel, Any]]:
        """The queue into which all that comes goes from now on, as (channel, item).

        Args:
            endmarker: put once for each channel, when nothing more comes from it.
        """
        if self._queue is None:
            from queue import Queue

            received: Queue[tuple[Channel, Any]] = Queue()
            self._queue = received
            for channel in self._channels:

                def put(item: Any, channel: Channel = channel) -> None:
                    received.put((channel, item))

                channel.setcallback(put, endmarker=endmarker)
        return self._queue

    def waitclose(self) -> None:
        """Wait until all are closed.

        Raises:
            RemoteError: the first one's, of those that ended with one.
        """
        first: RemoteError | None = None
        for channel in self._channels:
            try:
                channel.waitclose()
            except RemoteError as error:
                first = first or error
        if first is not None:
            raise first
