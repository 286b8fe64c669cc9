"""while with else, break, continue and conditions that call."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
        if steps > 1000:
            break
    else:
        checkpoint()
        return steps
    return -1


def below(limit, value):
    checkpoint()
    return value < limit


def climb(limit):
    height = 0
    while below(limit, height) and not height == 77:
        height += 1
        if height % 3:
            continue
        height += 2
    return height


best = (0, 0)
n = 1
while n < 4000 * ROUNDS:
    steps = collatz(n)
    if steps > best[1]:
        best = (n, steps)
        print("longest so far", best)
    if n % 500 == 0:
        print(n, climb(n // 50))
    n += 1
print("best", best)
