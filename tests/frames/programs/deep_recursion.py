"""900 frames deep, suspended at the bottom and on the way up and down."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def down(n, path):
    local = [n, n * n]
    if n == 0:
        checkpoint()
        return 0
    if n % 250 == 0:
        checkpoint()
    below = 1 + down(n - 1, path)
    if n % 300 == 0:
        checkpoint()
    path.append(local[1] - n * n)
    return below


def forever(n):
    return forever(n + 1) + 1


for turn in range(10 * ROUNDS):
    path = []
    print(turn, down(900, path), len(path), sum(path))
    try:
        forever(0)
    except RecursionError as error:
        print(type(error).__name__, str(error)[:32])
        checkpoint()
print("limit", sys.getrecursionlimit())
