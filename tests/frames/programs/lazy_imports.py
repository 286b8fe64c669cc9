# needs Python 3.15
"""lazy imports, before and after they are real, and unpacking in comprehensions."""
lazy import fractions
lazy import xml.sax.saxutils as escapes
lazy from statistics import mean, median
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def kinds():
    return [type(globals()[name]).__name__ for name in ("fractions", "escapes", "mean", "median")]


def flat(rows):
    checkpoint()
    return [*row for row in rows], {**{i: row} for i, row in enumerate(rows)}


def lazily(rows):
    for item in (*row for row in rows):
        checkpoint()
        yield item


print(kinds())
for turn in range(40 * ROUNDS):
    checkpoint()
    if turn == 10:
        print(fractions.Fraction(turn, 4))
    if turn == 20:
        print(escapes.escape("<turn>"))
    if turn >= 30:
        middle = mean([turn, turn + 1, turn + 5])
    attempt()
    rows = [[turn] * (turn % 3), (turn, -turn), "ab"]
    result = flat(rows), [item for item in lazily(rows)]
    if turn % 8 == 0:
        print(turn, kinds(), result)
print(kinds(), middle, median([3, 1, 2]), kinds())
