"""Channels and gateways in asyncio: the gateway's thread for callbacks wakes who waits."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from elsewhere.errors import Timeout as TimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from elsewhere._gateway.channel import Channel
    from elsewhere._gateway.gateway import Gateway


async def receive(channel: Channel, timeout: float | None) -> Any:
    """See Channel.areceive."""
    if channel._receiver is not None:
        raise OSError("cannot receive(), channel has receiver callback")
    end = None if timeout is None else asyncio.get_running_loop().time() + timeout
    while True:
        taken = channel.gateway._take(channel.id)
        if taken is True:
            raise channel._getremoteerror() or EOFError(f"{channel!r} is closed")
        if taken is not None:
            return taken[0]
        await _arrival(channel, end, "no item came in time")


async def wait_closed(channel: Channel, timeout: float | None) -> None:
    """See Channel.awaitclose."""
    end = None if timeout is None else asyncio.get_running_loop().time() + timeout
    if channel._receiver is not None:
        await asyncio.to_thread(channel.waitclose, timeout)
        return
    while not channel._state()[1]:
        await _arrival(channel, end, "the channel was not closed in time")
    if error := channel._getremoteerror():
        raise error


async def _arrival(channel: Channel, end: float | None, late: str) -> None:
    """Until something has come, or nothing will; maybe for nothing."""
    loop = asyncio.get_running_loop()
    came = loop.create_future()

    def tell() -> None:
        if not came.done():
            came.set_result(None)

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(tell)

    callbacks = channel.gateway._callbacks()
    callbacks.call_once(channel, wake)
    try:
        left = None if end is None else end - loop.time()
        done, _ = await asyncio.wait([came], timeout=left)
    finally:
        callbacks.forget(channel, wake)
        came.cancel()
    if not done:
        raise TimeoutError(late)


async def close(gateway: Gateway) -> None:
    """End it; the loop goes on meanwhile."""
    await asyncio.to_thread(gateway.close, 5.0)
