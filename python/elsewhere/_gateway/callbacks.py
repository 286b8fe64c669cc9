"""Callbacks of channels, and the thread of a gateway that calls them."""

from __future__ import annotations

import threading
import traceback

from elsewhere._gateway.channel import NO_ENDMARKER_WANTED
from elsewhere.errors import Error, RemoteError
from elsewhere.errors import Timeout as TimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from elsewhere._gateway.channel import Channel
    from elsewhere._gateway.gateway import Gateway


class Receiver:
    """A callback, which may outlive the channel object that it was set on."""

    def __init__(
        self, number: int, callback: Callable[[Any], object], endmarker: object, of: Callbacks
    ) -> None:
        self.number = number
        self.callback = callback
        self.failed = False  # it gets nothing more but the endmarker
        self.endmarker = endmarker
        self.ended = threading.Event()
        self.setting = threading.Lock()  # held while setcallback() calls it
        self._callbacks = of
        self._calling: int | None = None  # the thread that is in the callback

    def call(self, item: Any) -> None:
        self._calling = threading.get_ident()
        try:
            self.callback(item)
        finally:
            self._calling = None

    def wait_for_end(self, timeout: float | None) -> None:
        here = threading.get_ident()
        if not self.ended.is_set() and here in (self._calling, self._callbacks.thread.ident):
            raise OSError("waitclose() in a callback would wait for itself")
        if not self.ended.wait(timeout):
            raise TimeoutError("the channel was not closed in time")


class Callbacks:
    """Those of one gateway: called one at a time, in the order in which things come.

    The thread starts with the first one and ends with the link, of which it has then told all
    callbacks. It keeps the stream going while nobody else waits.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._receivers: dict[int, Receiver] = {}
        self._waiters: dict[int, list[Callable[[], object]]] = {}
        self._lock = threading.Lock()
        self._over = False  # the thread looks at no receiver any more
        self.thread = threading.Thread(
            target=self._run, name=f"callbacks of {gateway.id}", daemon=True
        )
        self.thread.start()

    def add(self, channel: Channel, callback: Callable[[Any], object], endmarker: object) -> None:
        """Set a channel's callback: call it with what has come, and let the thread go on."""
        receiver = channel._receiver = Receiver(channel.id, callback, endmarker, self)
        with receiver.setting:
            channel._watch()
            with self._lock:
                self._receivers[channel.id] = receiver
            ended = self._drain(receiver, Exception)
        with self._lock:
            ended = ended or self._over
        if ended:
            self._end(receiver)

    def call_once(self, channel: Channel, wake: Callable[[], object]) -> None:
        """Call `wake` in the thread when something comes for the channel, or nothing will."""
        with self._lock:
            over = self._over
            if not over:
                self._waiters.setdefault(channel.id, []).append(wake)
        if over:
            wake()
        else:
            channel._notify()

    def forget(self, channel: Channel, wake: Callable[[], object]) -> None:
        """Do not call it, if that has not happened."""
        with self._lock:
            waiting = self._waiters.get(channel.id, [])
            if wake in waiting:
                waiting.remove(wake)

    def join(self, timeout: float) -> None:
        """Wait for the thread, unless this is it."""
        if self.thread is not threading.current_thread():
            self.thread.join(timeout)

    # --- in the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (number := self._gateway._next_ready()) is not None:
                if self._waiters:
                    self._wake(number)
                receiver = self._receivers.get(number)
                if receiver is None:
                    continue
                with receiver.setting:
                    ended = self._drain(receiver)
                if ended:
                    self._end(receiver)
        except Error:
            pass  # the process is ending
        with self._lock:
            self._over = True
            left = list(self._receivers.values())
        for number in list(self._waiters):
            self._wake(number)
        for receiver in left:
            with receiver.setting:
                pass
            self._end(receiver)

    def _wake(self, number: int) -> None:
        with self._lock:
            waiting = self._waiters.pop(number, [])
        for wake in waiting:
            wake()

    def _drain(self, receiver: Receiver, caught: type[BaseException] = BaseException) -> bool:
        """Call with all that has come; whether nothing more will."""
        while True:
            try:
                taken = self._gateway._take(receiver.number)
                if taken is None or taken is True:
                    return taken is True
                if not receiver.failed:
                    receiver.call(taken[0])
            except caught:
                self._fail(receiver)

    def _fail(self, receiver: Receiver) -> None:
        """The callback raised: the other end is told, and so is who asks here."""
        text = traceback.format_exc()
        channel = self._gateway._channels.get(receiver.number)
        receiver.failed = True
        error = RemoteError(text)
        if channel is None:
            error.warn()
        else:
            channel._error = error
        self._gateway._close_channel(receiver.number, text)

    def _end(self, receiver: Receiver) -> None:
        with self._lock:
            if self._receivers.pop(receiver.number, None) is None:
                return
        try:
            if receiver.endmarker is not NO_ENDMARKER_WANTED:
                receiver.call(receiver.endmarker)
        except BaseException:
            traceback.print_exc()
        channel = self._gateway._channels.get(receiver.number)
        if channel is not None:
            channel._unwatch()
        else:
            self._forget(receiver)
        receiver.ended.set()

    def _forget(self, receiver: Receiver) -> None:
        try:
            text = self._gateway._forget_channel(receiver.number)
        except Error:
            return
        if text:
            RemoteError(text).warn()
