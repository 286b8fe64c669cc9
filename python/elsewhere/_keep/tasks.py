"""asyncio: futures, tasks, and the event loop with its selector.

The C types have no way to be made in the state that they are in, so they are brought there as
asyncio does it: a future is completed, a task runs a coroutine of ours to its first await, by
which it gets what it needs to be woken up. Then the loop, the coroutine and the rest of the
program's take the places of ours.
"""

from __future__ import annotations

import sys

from elsewhere import _elsewhere
from elsewhere._keep.subclasses import with_subclasses
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

# What stands in for a task's coroutine and future until the task has its own: by id(task).
_made: dict[int, _Making] = {}


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {type(sys.get_asyncgen_hooks()): reduce_hooks}
    if (module := sys.modules.get("_asyncio")) is not None:
        table.update(dict.fromkeys(with_subclasses(module.Future), reduce_future))
        table.update(dict.fromkeys(with_subclasses(module.Task), reduce_task))
        table[_future_iterator()] = reduce_future_iterator
        step, wakeup = _step_types()
        table[step] = reduce_step
        if wakeup is not type(len):  # before 3.10
            table[wakeup] = reduce_wakeup
    if "selectors" in sys.modules:
        base = sys.modules["selectors"]._BaseSelectorImpl
        table.update(dict.fromkeys(with_subclasses(base), reduce_selector))
    if "select" in sys.modules and hasattr(sys.modules["select"], "epoll"):
        table[sys.modules["select"].epoll] = reduce_epoll
    if "asyncio.selector_events" in sys.modules:
        loops = sys.modules["asyncio.selector_events"].BaseSelectorEventLoop
        table.update(dict.fromkeys(with_subclasses(loops), reduce_loop))
    return table


# ---- futures -------------------------------------------------------------------------------------


class _StandInLoop:
    """All that a future or a task asks of its loop while it is made."""

    def __init__(self) -> None:
        self.call: Any = None
        self.context: Any = None

    def get_debug(self) -> bool:
        return False

    def call_soon(self, callback: Any, *_: Any, context: Any = None) -> None:
        self.call, self.context = callback, context

    def call_exception_handler(self, _: Any) -> None:
        """Nothing of ours that fails is told to the program."""


# What typeshed takes for a loop is the whole interface.
_Loop: Any = _StandInLoop


def _future_iterator() -> type:
    import _asyncio

    return type(_asyncio.Future(loop=_Loop()).__await__())


def _outcome(future: Any) -> tuple[str, Any, Any]:
    """How it ended, without its noticing that somebody has looked."""
    if not future.done():
        return "pending", None, None
    if future.cancelled():
        return "cancelled", future._cancel_message, None
    if (error := future._exception) is not None:
        return "failed", error, error.__traceback__
    return "result", future._result, None


def reduce_future(future: Any) -> tuple[Any, ...]:
    state = {
        "loop": future._loop,
        "outcome": _outcome(future),
        "callbacks": list(future._callbacks or ()),
        "blocking": future._asyncio_future_blocking,
        "log": future._log_traceback,
        "attributes": _elsewhere.layout_attributes(future),
    }
    return make_future, (type(future),), state, None, None, fill_future


def make_future(kind: Any) -> Any:
    import _asyncio

    future = kind.__new__(kind)
    _asyncio.Future.__init__(future, loop=_Loop())
    return future


def fill_future(future: Any, state: dict[str, Any]) -> None:
    import _asyncio

    outcome, value, _ = state["outcome"]
    if outcome == "result":
        _asyncio.Future.set_result(future, value)
    elif outcome == "failed":
        _asyncio.Future.set_exception(future, value)
    elif outcome == "cancelled":
        _asyncio.Future.cancel(future, value)
    _complete(future, future._loop, state)


def _complete(future: Any, stand_in: Any, state: dict[str, Any]) -> None:
    """What a future and a task have in common."""
    import _asyncio

    for callback, context in state["callbacks"]:
        _asyncio.Future.add_done_callback(future, callback, context=context)
    future._asyncio_future_blocking = state["blocking"]
    if not state["log"]:
        future._log_traceback = False
    for name, value in state["attributes"].items():
        object.__setattr__(future, name, value)
    _elsewhere.layout_swap_reference(future, stand_in, state["loop"])


def reduce_future_iterator(iterator: Any) -> tuple[Any, ...]:
    import gc

    for future in gc.get_referents(iterator):
        if not isinstance(future, type):
            return iterate_future, (future,)
    raise Refused("an await that has ended", "drop the iterator of the future")


def iterate_future(future: Any) -> Any:
    import _asyncio

    return _asyncio.Future.__await__(future)


# ---- tasks ---------------------------------------------------------------------------------------


class _Gate:
    """What the coroutine of ours awaits: a future as far as a task can tell."""

    def __init__(self, loop: Any) -> None:
        self._asyncio_future_blocking = True
        self._loop = loop
        self.wakeup: Any = None
        self.outcome: tuple[str, Any] = ("result", None)

    def __await__(self) -> Any:
        yield self
        return self.outcome

    def get_loop(self) -> Any:
        return self._loop

    def add_done_callback(self, callback: Any, *, context: Any) -> None:
        self.wakeup = callback

    def cancel(self, msg: Any = None) -> bool:
        return True

    def result(self) -> None:
        return None


async def _stand_in(gate: _Gate) -> Any:
    from asyncio import CancelledError

    how, value = await gate
    if how == "cancelled":
        raise CancelledError
    if how == "failed":
        raise value
    return value


def _in(loop: Any, call: Any, *arguments: Any) -> None:
    """Call a step of a task as its loop does: from 3.14 on a task insists."""
    import _asyncio

    running = _asyncio._get_running_loop()
    swaps = sys.version_info >= (3, 14) and running is not None
    task = _asyncio._swap_current_task(running, None) if swaps else None  # type: ignore[attr-defined]
    _asyncio._set_running_loop(loop)
    try:
        call(*arguments)
    finally:
        _asyncio._set_running_loop(running)
        if swaps:
            _asyncio._swap_current_task(running, task)  # type: ignore[attr-defined]


class _Making:
    """A task at its first await, and what it was made with."""

    def __init__(self, kind: Any) -> None:
        import _asyncio

        self.loop = _Loop()
        self.gate = _Gate(self.loop)
        self.coroutine = _stand_in(self.gate)
        self.task = kind.__new__(kind)
        _asyncio.Task.__init__(self.task, self.coroutine, loop=self.loop, name="elsewhere")
        self.step, self.context = self.loop.call, self.loop.context
        _in(self.loop, self.step)
        self.task._log_destroy_pending = False  # until it is the program's


def _step_types() -> tuple[type, type]:
    """Of what a loop calls for a task's next step, and a future for a task that waits for it."""
    import _asyncio

    made = _Making(_asyncio.Task)
    _in(made.loop, made.gate.wakeup, made.gate)
    return type(made.step), type(made.gate.wakeup)


def _context_of(task: Any) -> Any:
    if hasattr(task, "get_context"):
        return task.get_context()
    import gc
    from contextvars import Context

    return next(each for each in gc.get_referents(task) if isinstance(each, Context))


def _cancelled_by(task: Any) -> tuple[Any, ...]:
    """What a cancelled task has for whoever asks first: an error, up to 3.10 in three parts."""
    import gc
    from asyncio import CancelledError
    from types import TracebackType

    def is_part(each: Any) -> bool:
        kind = each if isinstance(each, type) else type(each)
        return issubclass(kind, (CancelledError, TracebackType))

    message = task._cancel_message
    parts = [each for each in gc.get_referents(task) if each is not message and is_part(each)]
    order = {type: 0, TracebackType: 2}
    return tuple(sorted(parts, key=lambda each: order.get(type(each), 1)))


def reduce_task(task: Any) -> tuple[Any, ...]:
    import asyncio

    loop = task._loop
    if task._must_cancel and asyncio.current_task(loop) is task:
        raise Refused("a task has cancelled itself", "suspend once it has awaited something")
    state = {
        "loop": loop,
        "outcome": _outcome(task),
        "callbacks": list(task._callbacks or ()),
        "blocking": task._asyncio_future_blocking,
        "log": task._log_traceback,
        "attributes": _elsewhere.layout_attributes(task),
        "coroutine": task.get_coro(),
        "waiter": task._fut_waiter,
        "name": task.get_name(),
        "context": _context_of(task),
        "cancels": task.cancelling() if hasattr(task, "cancelling") else 0,
        "must_cancel": (task._cancel_message,) if task._must_cancel else None,
        "cancelled_by": _cancelled_by(task) if task.cancelled() else (),
        "log_destroy": task._log_destroy_pending,
    }
    return make_task, (type(task),), state, None, None, fill_task


def make_task(kind: Any) -> Any:
    made = _Making(kind)
    _made[id(made.task)] = made
    return made.task


def fill_task(task: Any, state: dict[str, Any]) -> None:
    import _asyncio
    import gc

    made = _made[id(task)]
    swap = _elsewhere.layout_swap_reference
    outcome, value, traceback = state["outcome"]
    cancels = state["cancels"] - (1 if state["must_cancel"] else 0)
    for _ in range(cancels):
        _asyncio.Task.cancel(task)
    if outcome == "pending":
        # NotImplemented stands for no reference at all.
        waiter = state["waiter"]
        swap(task, made.gate, NotImplemented if waiter is None else waiter)
    else:
        made.gate.outcome = outcome, value
        context = value.__context__ if outcome == "failed" else None
        _in(made.loop, made.gate.wakeup, made.gate)
        if outcome == "failed":
            ours = value.__traceback__
            if any(each is ours for each in gc.get_referents(task)):  # from 3.11 on
                swap(task, ours, NotImplemented if traceback is None else traceback)
            value.__traceback__, value.__context__ = traceback, context
        elif outcome == "cancelled":
            parts = _cancelled_by(task)
            for one, other in zip(parts, state["cancelled_by"] or (NotImplemented,) * len(parts)):
                swap(task, one, other)
            task._cancel_message = value
    if state["must_cancel"]:
        _asyncio.Task.cancel(task, *state["must_cancel"])
    swap(task, made.context, state["context"])
    swap(task, made.coroutine, state["coroutine"])
    task.set_name(state["name"])
    task._log_destroy_pending = state["log_destroy"]
    _complete(task, made.loop, state)


def reduce_step(step: Any) -> tuple[Any, ...]:
    import gc

    if any(isinstance(each, BaseException) for each in gc.get_referents(step)):
        raise Refused("a task is about to get an exception", "suspend a moment later")
    return step_of, (step.__self__,)


def step_of(task: Any) -> Any:
    return _made[id(task)].step


def reduce_wakeup(wakeup: Any) -> tuple[Any, ...]:
    import gc

    return wakeup_of, tuple(gc.get_referents(wakeup))


def wakeup_of(task: Any) -> Any:
    """The callable that a future calls for a task that waits for it."""
    return _made[id(task)].gate.wakeup


# ---- the loop ------------------------------------------------------------------------------------


def _own_pipe(key: Any) -> bool:
    """Is that the end of the pipe that wakes up an event loop?"""
    handle = key.data[0] if isinstance(key.data, tuple) and key.data else None
    callback = getattr(handle, "_callback", None)
    return getattr(callback, "__name__", "") == "_read_from_self"


def reduce_selector(selector: Any) -> tuple[Any, ...]:
    entries = selector.get_map()
    for key in entries.values() if entries else ():
        if not _own_pipe(key):
            raise Refused(
                f"descriptor {key.fd} is being waited for ({key.data!r:.80})",
                "close the connection, or stop waiting for it, before suspending",
            )
    poller = getattr(selector, "_selector", None)
    kept = poller if type(poller).__name__ == "epoll" else None
    return make_selector, (type(selector), kept, entries is None)


def make_selector(kind: Any, poller: Any, closed: bool) -> Any:
    selector = kind()
    if poller is not None:
        selector._selector.close()
        selector._selector = poller
    if closed:
        selector.close()
    return selector


def reduce_epoll(epoll: Any) -> tuple[Any, ...]:
    if not epoll.closed:
        known = _pipes_of_loops()
        if others := [number for number in _watched(epoll) if number not in known]:
            raise Refused(f"an epoll object waits for descriptor {others[0]}", "unregister it")
    return make_epoll, (None if epoll.closed else epoll.fileno(),)


def _watched(epoll: Any) -> list[int]:
    with open(f"/proc/self/fdinfo/{epoll.fileno()}") as file:
        return [int(line.split()[1]) for line in file if line.startswith("tfd:")]


def make_epoll(number: int | None) -> Any:
    import os
    import select

    from elsewhere._keep.reopening import moved_to

    epoll = select.epoll()
    if number is None:
        epoll.close()
    elif number != epoll.fileno():
        copy = os.dup(epoll.fileno())
        epoll.close()
        epoll = select.epoll.fromfd(moved_to(copy, number))
    return epoll


def _pipes_of_loops() -> set[int]:
    """The descriptors that wake up the event loops there are."""
    import gc

    if "asyncio.selector_events" not in sys.modules:
        return set()
    base = sys.modules["asyncio.selector_events"].BaseSelectorEventLoop
    loops = [each for each in gc.get_objects() if isinstance(each, base)]
    return {loop._ssock.fileno() for loop in loops if getattr(loop, "_ssock", None) is not None}


def reduce_loop(loop: Any) -> tuple[Any, ...]:
    state = {k: v for k, v in vars(loop).items() if k not in ("_ssock", "_csock")}
    ends = [getattr(loop, name, None) for name in ("_ssock", "_csock")]
    numbers = [end.fileno() for end in ends if end is not None]
    if len(numbers) == 1 or (numbers and not _waits_for(loop._selector, numbers[0])):
        raise Refused("an event loop is being made or closed", "suspend a moment later")
    return make_loop, (type(loop),), (state, numbers), None, None, fill_loop


def _waits_for(selector: Any, number: int) -> bool:
    poller = getattr(selector, "_selector", None)
    if type(poller).__name__ == "epoll" and number not in _watched(poller):
        return False
    return number in (selector.get_map() or ())


def make_loop(kind: Any) -> Any:
    loop = kind.__new__(kind)
    loop._closed = True  # its finalizer asks, should it never be filled
    return loop


def fill_loop(loop: Any, state: tuple[dict[str, Any], list[int]]) -> None:
    attributes, numbers = state
    loop.__dict__.update(attributes)
    loop._ssock = loop._csock = None
    if not numbers:
        return
    loop._internal_fds -= 1
    selector, loop._selector = loop._selector, _Registrar()
    loop._make_self_pipe()
    registrar, loop._selector = loop._selector, selector
    _renumber(loop, numbers)
    # As its class in the library does it: the program's own may want what is not there yet.
    kinds: tuple[Any, ...] = type(selector).__mro__
    library = next(each for each in kinds if each.__module__ == "selectors")
    library.register(selector, loop._ssock.fileno(), *registrar.asked)
    if getattr(loop, "_signal_handlers", None):
        import signal

        signal.set_wakeup_fd(loop._csock.fileno())


class _Registrar:
    """A selector that hears what it is to wait for."""

    asked: tuple[Any, ...] = ()

    def get_map(self) -> dict[Any, Any]:
        return {}

    def get_key(self, number: int) -> Any:
        raise KeyError(number)

    def register(self, number: int, *asked: Any) -> None:
        self.asked = asked


def _renumber(loop: Any, numbers: list[int]) -> None:
    """The numbers that they had, where those are free: the loop may be about to use them."""
    import fcntl
    import socket

    from elsewhere._keep.reopening import moved_to

    aside = []
    for end in (loop._ssock, loop._csock):  # each may have the number of the other
        aside.append(fcntl.fcntl(end.fileno(), fcntl.F_DUPFD_CLOEXEC, max(numbers) + 1))
        end.close()
    ends = [socket.socket(fileno=moved_to(*pair)) for pair in zip(aside, numbers)]
    for end in ends:
        end.setblocking(False)
    loop._ssock, loop._csock = ends


def reduce_hooks(hooks: Any) -> tuple[Any, ...]:
    return make_hooks, tuple(hooks)


def make_hooks(*hooks: Any) -> Any:
    """Their type has no name that could be imported."""
    return type(sys.get_asyncgen_hooks())(hooks)


# ---- what no object holds ------------------------------------------------------------------------


def capture_asyncio() -> dict[str, Any] | None:
    """The running loop and the hooks of async generators."""
    hooks = sys.get_asyncgen_hooks()
    module = sys.modules.get("_asyncio")
    running = module._get_running_loop() if module is not None else None
    if module is None and hooks == (None, None):
        return None
    return {"running": running, "hooks": tuple(hooks)}


def restore_asyncio(state: dict[str, Any]) -> None:
    _made.clear()
    sys.set_asyncgen_hooks(*state["hooks"])
    if state["running"] is not None:
        import _asyncio

        _asyncio._set_running_loop(state["running"])


class Numbering:
    """The numbers of unnamed tasks. To ask for the next one takes it: so this is asked last."""

    def __reduce__(self) -> tuple[Any, ...]:
        return continue_numbering, (_next_number(),)


def continue_numbering(number: int) -> None:
    while number > 1 and _next_number() < number - 1:
        pass


def _next_number() -> int:
    """The N of the next Task-N; asking for it takes it."""
    import _asyncio

    loop = _Loop()
    gate = _Gate(loop)
    coroutine = _stand_in(gate)
    task: Any = _asyncio.Task(coroutine, loop=loop)
    _in(loop, loop.call)
    task._log_destroy_pending = False
    _in(loop, gate.wakeup, gate)
    return int(task.get_name().rpartition("-")[2])
