"""Suspended while the stack holds the lock of the warnings' filters, which 3.14 has in C."""
import contextlib
import sys
import warnings

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
lock = getattr(warnings, "_lock", contextlib.nullcontext())
changed = getattr(warnings, "_filters_mutated_lock_held", warnings.formatwarning)


def twice():
    with lock:
        checkpoint()
        with lock:
            checkpoint()
        checkpoint()


for turn in range(ROUNDS):
    twice()
    warnings.simplefilter("always")
    checkpoint()
    try:
        changed()
    except (RuntimeError, TypeError) as error:
        print(turn, type(error).__name__ in ("RuntimeError", "TypeError"))
