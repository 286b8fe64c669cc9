"""concurrent.futures over gateways."""

from __future__ import annotations

import atexit
import itertools
import weakref
from concurrent.futures import Executor as _Executor
from concurrent.futures import Future, wait

from elsewhere._gateway.call_server import call_each
from elsewhere._gateway.calls import Backlog, Caller
from elsewhere._gateway.gateway import Gateway
from elsewhere._gateway.group import Group
from elsewhere._gateway.spec import XSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any


class Executor(_Executor):
    """Calls functions in any number of interpreters, each of which makes one call at a time.

    Functions and classes of the main program need not be there, modules are imported there.
    Results come back as pickles, which is to trust those hosts; a gateway with `trust=values` sends
    inert values only. Of an interpreter that is lost, the running call fails with an error that is
    a `BrokenExecutor`; the others go on.

    Args:
        specs: where to have interpreters: specs, or gateways, which are not ended at shutdown.
        stdout, stderr: where what is printed there goes: see Gateway.stderr.
    """

    def __init__(
        self,
        specs: Iterable[str | XSpec | Gateway] = ("popen",),
        *,
        stdout: Any = None,
        stderr: Any = None,
    ) -> None:
        self._group = Group(stdout=stdout, stderr=stderr)
        self._backlog = Backlog()
        self._futures: weakref.WeakSet[Future[Any]] = weakref.WeakSet()
        self._shut = False
        try:
            given = list(specs)
            made = iter(
                self._group.makegateways(spec for spec in given if not isinstance(spec, Gateway))
            )
            for spec in given:
                Caller(spec if isinstance(spec, Gateway) else next(made), self._backlog)
        except BaseException:
            self._group.terminate(1.0)
            raise
        if not self._backlog.callers:
            raise ValueError("an Executor needs at least one interpreter")
        atexit.register(self.shutdown)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have `fn(*args, **kwargs)` called.

        Raises:
            RuntimeError: after shutdown().
            BrokenExecutor: all interpreters are gone.
        """
        if self._shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = self._backlog.submit(fn, args, kwargs)
        self._futures.add(future)
        return future

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
    ) -> Iterator[Any]:
        """The results of `fn` for the items of the iterables, in their order.

        Args:
            chunksize: so many calls go there at once.

        Raises:
            TimeoutError: a result is not there `timeout` seconds after this call.
            ValueError: chunksize is less than 1.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if chunksize == 1:
            return super().map(fn, *iterables, timeout=timeout)
        items = zip(*iterables)
        chunks = iter(lambda: list(itertools.islice(items, chunksize)), [])
        results = super().map(call_each, itertools.repeat(fn), chunks, timeout=timeout)
        return itertools.chain.from_iterable(results)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls.

        Args:
            wait: return when all calls are made and the interpreters have ended; else that is when
                the program ends.
            cancel_futures: those that do not run yet are cancelled.
        """
        self._shut = True
        if cancel_futures:
            with self._backlog.lock:
                waiting = list(self._backlog.works)
            for work in waiting:
                work.future.cancel()
        if wait:
            _wait_for_all(self._futures)
            self._group.terminate(5.0)
            atexit.unregister(self.shutdown)
            atexit.unregister(self._group._cleanup_atexit)


def _wait_for_all(futures: Iterable[Future[Any]]) -> None:
    wait(list(futures))
