"""Conditions that call __bool__, __len__ and __contains__, and `not`, and, or, in, assert."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Maybe:
    def __init__(self, value):
        self.value = value

    def __bool__(self):
        checkpoint()
        return self.value % 3 != 0


class Sized:
    def __init__(self, size):
        self.size = size

    def __len__(self):
        checkpoint()
        return self.size

    def __contains__(self, x):
        checkpoint()
        return x < self.size


def judge(n):
    said = []
    if Maybe(n):
        said.append("yes")
    elif not Sized(n % 2):
        said.append("empty")
    while Maybe(n):
        n += 1
        said.append("up")
    said.append(bool(Maybe(n + 1) or None))
    said.append(n % 5 in Sized(3))
    said.append(n % 5 not in Sized(3))
    said.append("x" if Sized(n % 4) else "y")
    said.append(len(Sized(n % 4)))
    assert not Maybe(3)
    return said


for turn in range(700 * ROUNDS):
    row = judge(turn)
    if turn % 100 < 3:
        print(turn, row)
print("done")
