"""Operators, subscripts, comparisons and formatting implemented in Python, suspended inside."""
import functools
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


@functools.total_ordering
class Vector:
    def __init__(self, *parts):
        self.parts = parts

    def __add__(self, other):
        checkpoint()
        return Vector(*[a + b for a, b in zip(self.parts, other.parts)])

    def __mul__(self, by):
        if isinstance(by, Vector):
            return NotImplemented
        checkpoint()
        return Vector(*[a * by for a in self.parts])

    __rmul__ = __mul__

    def __imul__(self, by):
        checkpoint()
        self.parts = tuple(a * by % 1009 for a in self.parts)
        return self

    def __neg__(self):
        checkpoint()
        return self * -1

    def __matmul__(self, other):
        checkpoint()
        total = 0
        for a, b in zip(self.parts, other.parts):
            total += a * b
        return total

    def __getitem__(self, index):
        checkpoint()
        return self.parts[index]

    def __setitem__(self, index, value):
        checkpoint()
        parts = list(self.parts)
        parts[index] = value
        self.parts = tuple(parts)

    def __delitem__(self, index):
        checkpoint()
        self.parts = self.parts[:index]

    def __eq__(self, other):
        attempt()
        return self.parts == other.parts

    def __lt__(self, other):
        checkpoint()
        return self.parts < other.parts

    def __hash__(self):
        return hash(self.parts)

    def __format__(self, how):
        checkpoint()
        return "<" + " ".join(format(p, how or "d") for p in self.parts) + ">"


for turn in range(400 * ROUNDS):
    v, w = Vector(turn, 2, 3), Vector(4, 5, turn)
    total = v + w * 2 + 3 * v
    total *= turn % 13
    total[1] = -v @ w
    compared = v < w, v >= w, v == w, v != w
    text = f"{total:4d}|{v}"
    first = total[0] + total[1]
    del w[2]
    try:
        v * w
    except TypeError as error:
        assert "unsupported" in str(error)
    if turn % 80 == 0:
        print(text, compared, first, f"{w}")
print("done")
