"""List, set and dict comprehensions: nested, filtered, closing over variables, in class bodies."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def kept(x):
    checkpoint()
    return x % 3 != 1


def one(n):
    return [x * y for x in range(n) if kept(x) for y in range(x) if (x + y) % 2]


def nested(n):
    return [[(row, column, kept(row)) for column in range(row)] for row in range(n)]


def closing(n):
    functions = [lambda: (i, n) for i in range(3)]
    checkpoint()
    return [f() for f in functions], [(lambda k=k: k + n)() for k in range(3) if kept(k)]


def many(n):
    squares = {x: x * x for x in range(n) if kept(x)}
    letters = {c for c in "abracadabra" if kept(ord(c))}
    swapped = {v: k for k, v in squares.items()}
    return squares, sorted(letters), swapped, {**squares, -1: 0}, [*letters].__len__()


def shadowed(x):
    inner = [x for x in [x, x + 1] if kept(x)]
    return inner, x


class Body:
    size = 4
    row = [kept(i) for i in range(size)]
    table = {i: [j for j in range(i)] for i in range(3) if kept(i)}


for turn in range(150 * ROUNDS):
    row = one(9), nested(4), closing(turn), many(8), shadowed(turn)
    if turn % 50 == 0:
        print(turn, *row, sep="\n  ")
print(Body.row, Body.table)
