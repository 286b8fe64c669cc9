"""Channels, with the names of execnet's that its users look at."""

from __future__ import annotations

from elsewhere._gateway.channel import Channel as _Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from elsewhere.compat.execnet.gateway import Gateway
    from elsewhere.errors import RemoteError


class Channel(_Channel):
    """See elsewhere.Channel."""

    _INTERNALWAKEUP = 1000  # nothing of ours wakes up for nothing

    @property
    def _closed(self) -> bool:
        return self.isclosed()

    def _trace(self, *msg: object) -> None:
        self.gateway._trace(self.id, *msg)


class ChannelFactory:
    """The channels of a gateway."""

    def __init__(self, gateway: Gateway, startcount: int = 1) -> None:
        self.gateway = gateway

    @property
    def finished(self) -> bool:
        """Whether the connection is gone."""
        return not self.gateway.hasreceiver()

    @property
    def _channels(self) -> dict[int, Channel]:
        known = list(self.gateway._channels.items())
        return {number: channel for number, channel in known if not channel.isclosed()}

    def channels(self) -> list[Channel]:
        """Those that are open."""
        return list(self._channels.values())

    def __contains__(self, number: object) -> bool:
        return number in self._channels

    def new(self, id: int | None = None) -> Channel:
        """The channel of an id, or a new one."""
        return self.gateway.newchannel() if id is None else self.gateway._channel(id)

    def _local_close(
        self, id: int, remoteerror: RemoteError | None = None, sendonly: bool = False
    ) -> None:
        channel = self.gateway._channels.get(id)
        if channel is not None and remoteerror is not None:
            channel._error = remoteerror
        self.gateway._close_channel(id, None)
