"""execnet's pool of threads."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from elsewhere._gateway.execmodel import ExecModel


class Reply:
    """The result of a call, once it is there."""

    def __init__(self, task: tuple[Any, ...], threadmodel: ExecModel) -> None:
        self.task = task
        self.running = True
        self._ready = threadmodel.Event()
        self._result: Any = None
        self._exc: BaseException | None = None

    def run(self) -> None:
        """Call it, here and now."""
        function, args, kwargs = self.task
        try:
            self._result = function(*args, **kwargs)
        except BaseException as error:
            self._exc = error
        finally:
            self.running = False
            self._ready.set()

    def get(self, timeout: float | None = None) -> Any:
        """The result, or what was raised.

        Raises:
            OSError: it is not there within `timeout` seconds.
        """
        self.waitfinish(timeout)
        if self._exc is not None:
            raise self._exc
        return self._result

    def waitfinish(self, timeout: float | None = None) -> None:
        """Wait for the end of the call, whatever it is."""
        if not self._ready.wait(timeout):
            raise OSError(f"timeout waiting for {self.task!r}")


class WorkerPool:
    """Calls functions in threads, as many as it takes.

    Args:
        hasprimary: one thread, which calls integrate_as_primary_thread(), is preferred.
    """

    def __init__(self, execmodel: ExecModel, hasprimary: bool = False) -> None:
        import threading

        self.execmodel = execmodel
        self._changed = threading.Condition()
        self._running: set[Reply] = set()
        self._hasprimary = hasprimary
        self._primary: Reply | None = None  # what the primary thread has, or is to have
        self._shuttingdown = False

    def spawn(self, func: Callable[..., object], *args: Any, **kwargs: Any) -> Reply:
        """Call it in another thread.

        Raises:
            ValueError: the pool is shut down.
        """
        reply = Reply((func, args, kwargs), self.execmodel)
        with self._changed:
            if self._shuttingdown:
                raise ValueError("pool is shutting down")
            self._running.add(reply)
            if self._hasprimary:
                if self.execmodel.backend == "main_thread_only":
                    self._changed.wait_for(lambda: self._primary is None)
                if self._primary is None:
                    self._primary = reply
                    self._changed.notify_all()
                    return reply
        self.execmodel.start(self._perform, (reply,))
        return reply

    def _perform(self, reply: Reply) -> None:
        reply.run()
        with self._changed:
            self._running.discard(reply)
            if reply is self._primary:
                self._primary = None
            self._changed.notify_all()

    def integrate_as_primary_thread(self) -> None:
        """Call functions here, until the pool is shut down."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._primary is not None or self._shuttingdown)
                reply = self._primary
            if reply is None:
                return
            self._perform(reply)

    def active_count(self) -> int:
        """Calls that have not ended."""
        return len(self._running)

    def trigger_shutdown(self) -> None:
        """Take no more calls."""
        with self._changed:
            self._shuttingdown = True
            self._changed.notify_all()

    def waitall(self, timeout: float | None = None) -> bool:
        """Wait for the end of all calls; False if that takes longer than `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout)

    def terminate(self, timeout: float | None = None) -> bool:
        """Take no more calls, and waitall()."""
        self.trigger_shutdown()
        return self.waitall(timeout)
