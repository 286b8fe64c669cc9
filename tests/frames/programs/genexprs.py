"""Generator expressions, consumed by for loops, by next and by builtins written in C."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def shown(x):
    return x * x - 1


def chained(n):
    squares = (shown(x) for x in range(n))
    odd = (x for x in squares if x % 2)
    shifted = (x + y for x in odd for y in (1, 2))
    total = 0
    for value in shifted:
        checkpoint()
        total += value
    return total


def half_used(n):
    source = (i * n for i in range(10))
    first = [next(source) for _ in range(3)]
    checkpoint()
    rest = []
    for value in source:
        rest.append(value)
    return first, rest


def builtins_over(n):
    return (
        sum(x * 2 for x in range(n)),
        max(x % 17 for x in range(1, n)),
        any(x == n - 1 for x in range(n)),
        ",".join(str(x) for x in range(5)),
        sorted((x * 7) % 11 for x in range(8)),
    )


for turn in range(60 * ROUNDS):
    row = chained(50 + turn), half_used(turn), builtins_over(20 + turn % 10)
    checkpoint()
    if turn % 20 == 0:
        print(turn, *row)
print("done")
