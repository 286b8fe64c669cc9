"""Locks, queues, thread-local and context variables; what is refused says why."""

import contextlib
import contextvars
import ctypes
import os
import queue
import socket
import sqlite3
import subprocess
import sys
import threading

from copying import copied, run

from elsewhere.errors import Refused


@contextlib.contextmanager
def refused(*words):
    try:
        yield
    except Refused as error:
        for word in words:
            assert str(word) in error.message, (word, error.message)
        assert error.hint
    else:
        raise AssertionError("not refused")


def case_locks_keep_their_state():
    free, held = threading.Lock(), threading.Lock()
    held.acquire()
    one, two, again = copied([free, held, held])
    assert not one.locked() and two.locked() and again is two
    two.release()
    assert held.locked()


def case_rlocks_keep_owner_and_count():
    lock = threading.RLock()
    with lock, lock:
        twin = copied(lock)
    assert twin._is_owned()
    twin.release(), twin.release()
    try:
        twin.release()
    except RuntimeError:
        pass
    else:
        raise AssertionError("held once too often")
    other = threading.RLock()
    thread = threading.Thread(target=other.acquire)
    thread.start(), thread.join()
    with refused("thread"):
        copied(other)


def case_what_is_made_of_locks():
    semaphore, event, condition = threading.Semaphore(3), threading.Event(), threading.Condition()
    semaphore.acquire(), event.set()
    with condition:
        semaphore, event, condition = copied([semaphore, event, condition])
    assert semaphore._value == 2 and event.is_set()
    condition.notify_all(), condition.release()
    items = queue.Queue(5)
    items.put(1), items.put(2)
    twin = copied(items)
    assert twin.get() == 1 and twin.qsize() == 1 and items.qsize() == 2 and twin.maxsize == 5


def case_simple_queue():
    items = queue.SimpleQueue()
    for item in (1, [2], items):
        items.put(item)
    twin = copied(items)
    assert twin.get() == 1 and twin.get() == [2] and twin.get() is twin
    assert items.qsize() == 3 and items.get() == 1


class OwnLocal(threading.local):
    def __init__(self, start, step=1):
        self.value = start + step


def case_thread_local_values():
    plain = threading.local()
    plain.numbers = [1, 2]
    twin = copied(plain)
    assert twin.numbers == [1, 2]
    own = OwnLocal(4, step=3)
    own.value = 9
    twin = copied(own)
    assert twin.value == 9 and type(twin) is OwnLocal
    seen = []
    thread = threading.Thread(target=lambda: seen.append((twin.value, hasattr(plain, "numbers"))))
    thread.start(), thread.join()
    assert seen == [(7, False)], "another thread starts with __init__"


def case_context_variables():
    set_one = contextvars.ContextVar("set_one", default=[1])
    unset, bare = contextvars.ContextVar("unset", default=[2]), contextvars.ContextVar("bare")
    set_one.set([3])
    one, two, three = copied([set_one, unset, bare])
    assert one.name == "set_one" and one.get() == [3] and two.get() == [2]
    assert contextvars.Context().run(one.get) == [1] and three.get(None) is None
    context = contextvars.Context()
    context.run(bare.set, 7)
    twin, var = copied([context, bare])
    assert twin[var] == 7 and len(twin) == 1


def case_context_tokens():
    variable = contextvars.ContextVar("variable")
    first = variable.set("first")
    second = variable.set("second")
    var, one, two = copied([variable, first, second])
    assert var.get() == "second" and one.old_value is one.MISSING and two.var is var
    var.reset(two)
    assert var.get() == "first"
    with contextlib.suppress(RuntimeError):
        var.reset(two)
        raise AssertionError("a token was used twice")
    var.reset(one)
    assert var.get(None) is None and variable.get() == "second"
    elsewhere = contextvars.Context().run(variable.set, "x")
    var, token = copied([variable, elsewhere])
    with contextlib.suppress(ValueError):
        var.reset(token)
        raise AssertionError("a token of another context was accepted")


def case_threads():
    go = threading.Event()
    thread = threading.Thread(target=go.wait, name="worker seven")
    ready = copied(thread)
    thread.start()
    with refused("worker seven", "threading.py"):
        copied(thread)
    go.set()
    thread.join()
    ended = copied(thread)
    assert not ended.is_alive() and ended.name == "worker seven"
    ended.join()
    try:
        ready._target = list
        ready.start()
        ready.join()
    finally:
        assert not ready.is_alive()


def case_child_processes():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with refused(child.pid, sys.executable, "input()"):
        copied(child)
    child.communicate(b"\n")
    assert copied(child).returncode == 0


def case_what_is_refused():
    database = sqlite3.connect(":memory:")
    with socket.socket() as listening:
        things = [
            (listening, "socket", listening.fileno()),
            (database, "sqlite3"),
            (database.execute("select 1"), "cursor"),
            (next(os.scandir("/")), "DirEntry"),
            (ctypes.CDLL(None), "library"),
            (ctypes.pointer(ctypes.c_int(1)), "pointer"),
        ]
        for thing, *words in things:
            with refused(*words):
                copied(thing)
    database.close()


run(globals())
