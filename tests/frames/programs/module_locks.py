"""Suspended while the stack holds locks that are variables of library modules."""
import logging
import sys
import tempfile
import threading

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def with_a_lock(lock, depth):
    with lock:
        checkpoint()
        if depth:
            return with_a_lock(lock, depth - 1) + 1
        return 1


for turn in range(15 * ROUNDS):
    print(turn, with_a_lock(logging._lock, 3), with_a_lock(tempfile._once_lock, 0))
    with threading._active_limbo_lock:
        checkpoint()
    tempfile._once_lock.acquire()
    checkpoint()
    print(tempfile._once_lock.locked(), tempfile._once_lock.acquire(False))
    tempfile._once_lock.release()
    print(tempfile._once_lock.locked(), "count=0" in repr(logging._lock))
