"""A recursion limit that leaves hardly more than the program itself needs."""
import decimal
import select
import sys
import warnings

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
usual = sys.getrecursionlimit()
decimal.getcontext().prec = 5
warnings.simplefilter("ignore", UserWarning)


def down(depth):
    return 1 + down(depth - 1) if depth else 0


for turn in range(2 * ROUNDS):
    checkpoint()
    for limit in range(20, 60):
        with select.epoll():
            attempt()  # refused; what that imports is there at the next one
        sys.setrecursionlimit(limit)
        try:
            attempt()
        except RecursionError:  # in attempt() itself
            pass
        found = sys.getrecursionlimit()
        sys.setrecursionlimit(usual)
        print(turn, found, down(9), decimal.Decimal(1) / 3)
