"""Walrus, starred unpacking, chained comparison, augmented and multiple assignment, del, global."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
counter = 0


def tick(n=1):
    global counter
    checkpoint()
    counter += n
    return counter


def chained(low, high):
    return low < tick() <= high != tick() or tick(0) == counter


def walrus(n):
    if (first := tick()) > n and (second := tick()) > first:
        return first, second
    total = 0
    while (value := tick() % 7) != 3:
        total += value
    return total, [last := x for x in range(n % 4 + 1)], last


def starred(n):
    a, *b, c = range(n)
    *d, (e, *f) = [1, 2, "text"]
    rows = [*b, tick(), *range(3), *d]
    merged = {**{"a": tick()}, "b": tick(), **{"a": 5}}
    return a, b, c, d, e, f, rows, merged, (*b, *rows)


def assigned(n):
    box = {"x": [0, 0]}
    box["x"][tick() % 2] += tick()
    p = q = [tick()]
    p, r = q, p
    i = 0
    i, q[0] = 1, tick()
    del box["x"][tick() % 2]
    tick() if n % 2 else checkpoint()
    return box, p is r, q, i


for turn in range(400 * ROUNDS):
    row = chained(turn, counter + 3), walrus(turn), starred(5), assigned(turn)
    if turn % 80 == 0:
        print(turn, *row)
print(counter)
