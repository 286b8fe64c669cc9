# needs Python 3.11
"""except* and exception groups, suspended while one is handled."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def grouped(n):
    caught = []
    try:
        raise ExceptionGroup("several", [ValueError(n), TypeError(n), KeyError(n)])
    except* (ValueError, KeyError) as group:
        checkpoint()
        caught.append([type(e).__name__ for e in group.exceptions])
    except* TypeError as group:
        checkpoint()
        caught.append([type(e).__name__ for e in group.exceptions])
    return caught


for turn in range(400 * ROUNDS):
    result = grouped(turn)
    if turn % 100 == 0:
        print(result)
assert sys.exc_info() == (None, None, None)
print("no exception left", turn)
