# needs Python 3.14
"""except A, B: without parentheses, except* likewise, and a finally that leaves a loop."""
import sys
import warnings

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []


def failing(n):
    checkpoint()
    raise (ValueError, KeyError, IndexError, OSError)[n % 4](n)


def caught(n):
    try:
        failing(n)
    except ValueError, KeyError:
        checkpoint()
        return "value or key"
    except LookupError, OSError:
        log.append(repr(sys.exception()))
        checkpoint()
    finally:
        checkpoint()
        log.append(n)
    return "other"


def group(n):
    found = []
    try:
        raise ExceptionGroup("all", [ValueError(n), OSError(n), TypeError(n)])
    except* ValueError, OSError:
        checkpoint()
        found.append(len(sys.exception().exceptions))
    except* TypeError as rest:
        checkpoint()
        found.append(rest.exceptions[0].args)
    return found


with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    source = """
def leaves(n):
    for i in range(4):
        try:
            checkpoint()
            if i == n % 3:
                raise ValueError(i)
        finally:
            checkpoint()
            if i == 2:
                break
            if i == n % 3:
                return i
    return -1
"""
    exec(compile(source, "leaves.py", "exec"))

for turn in range(60 * ROUNDS):
    results = caught(turn), group(turn), leaves(turn)
    checkpoint()
    if turn % 15 == 0:
        print(turn, results, log[-3:])
print([str(warning.message) for warning in told], len(log))
