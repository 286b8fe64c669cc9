"""Locks as they stand, queues with what is in them, thread-local values of the main thread.

Condition, Event, Semaphore, Barrier and queue.Queue are Python objects made of these.
"""

from __future__ import annotations

import _thread
import sys

from elsewhere import _elsewhere
from elsewhere._keep.subclasses import with_subclasses
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

Lock = type(_thread.allocate_lock())
RLock = _thread.RLock
Local = _thread._local


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {Lock: reduce_lock, RLock: reduce_rlock}
    table.update(dict.fromkeys(with_subclasses(Local), reduce_local))
    if "_queue" in sys.modules:
        table[sys.modules["_queue"].SimpleQueue] = reduce_simple_queue
    if hasattr(_thread, "_ThreadHandle"):
        table[_thread._ThreadHandle] = reduce_thread_handle
    return table


def reduce_lock(lock: Any) -> tuple[Any, ...]:
    return make_lock, (lock.locked(),)


def make_lock(locked: bool) -> Any:
    lock = _thread.allocate_lock()
    if locked:
        lock.acquire()
    return lock


def reduce_rlock(lock: Any) -> tuple[Any, ...]:
    # Only the text says how often a lock is held, on every Python and whoever holds it.
    count = int(repr(lock).split("count=")[1].split()[0])
    if count and not lock._is_owned():
        raise Refused(
            "an RLock is held by a thread other than the main one",
            "release it in the thread that acquired it",
        )
    return make_rlock, (count,)


def make_rlock(count: int) -> Any:
    lock = _thread.RLock()
    for _ in range(count):
        lock.acquire()
    return lock


# ---- locks of libraries, which are kept by name --------------------------------------------------


def held_locks(own: Any) -> dict[str, dict[str, int]]:
    """By module and name: how often a lock that a library's module has is held."""
    found: dict[str, dict[str, int]] = {}
    seen = set()
    for name, module in list(sys.modules.items()):
        if name in own or name.partition(".")[0] == "elsewhere" or type(module) is not type(sys):
            continue
        for attribute, value in list(vars(module).items()):
            kind = type(value)
            if (kind is Lock or kind is RLock) and id(value) not in seen:
                seen.add(id(value))
                (count,) = reduce_lock(value)[1] if kind is Lock else reduce_rlock(value)[1]
                if count:
                    found.setdefault(name, {})[attribute] = int(count)
    return found


def restore_held_locks(kept: dict[str, dict[str, int]]) -> None:
    for name, locks in kept.items():
        for attribute, count in locks.items():
            lock: Any = getattr(sys.modules.get(name), attribute, None)
            for _ in range(count if type(lock) in (Lock, RLock) else 0):
                lock.acquire(False)


# ---- queue.SimpleQueue ---------------------------------------------------------------------------


def reduce_simple_queue(queue: Any) -> tuple[Any, ...]:
    # No other thread runs now, so taking everything out and putting it back is seen by nobody.
    items = [queue.get_nowait() for _ in range(queue.qsize())]
    for item in items:
        queue.put(item)
    return make_simple_queue, (), items, None, None, fill_simple_queue


def make_simple_queue() -> Any:
    import _queue

    return _queue.SimpleQueue()


def fill_simple_queue(queue: Any, items: list[Any]) -> None:
    for item in items:
        queue.put(item)


# ---- threading.local -----------------------------------------------------------------------------


def reduce_local(local: Any) -> tuple[Any, ...]:
    # What a new thread's __init__ will get.
    args = _elsewhere.layout_get(local, "args", ()) or ()
    kwargs = _elsewhere.layout_get(local, "kwargs", {}) or {}
    values = dict(Local.__getattribute__(local, "__dict__"))
    return make_local, (type(local),), (args, kwargs, values), None, None, fill_local


def make_local(kind: Any) -> Any:
    return Local.__new__(kind)


def fill_local(local: Any, state: tuple[Any, ...]) -> None:
    args, kwargs, values = state
    if args or kwargs:
        _elsewhere.layout_set(local, "args", args)
        _elsewhere.layout_set(local, "kwargs", kwargs)
    Local.__getattribute__(local, "__dict__").update(values)


# ---- threading.Thread, 3.13 and later ------------------------------------------------------------


def reduce_thread_handle(handle: Any) -> tuple[Any, ...]:
    if handle.ident and not handle.is_done():
        raise Refused("a thread is running", "join it before suspending")
    return make_thread_handle, (handle.ident, handle.is_done())


def make_thread_handle(ident: int, done: bool) -> Any:
    if not done:
        return _thread._ThreadHandle()  # type: ignore[attr-defined]
    handle = _thread._make_thread_handle(ident)  # type: ignore[attr-defined]
    handle._set_done()
    return handle
