"""How deep a program may still go once it is back from what was left in the middle."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def down(depth):
    global deepest
    deepest = depth
    down(depth + 1)


def measured():
    try:
        down(0)
    except RecursionError:
        return deepest


def chain(length):
    checkpoint()
    yield length
    if length:
        yield from chain(length - 1)


def compared(length):
    checkpoint()
    return -length


class Part:
    def __init__(self, length):
        self.inner = Part(length - 1) if length else checkpoint()


def summed():
    return sum(chain(40))


def ordered():
    return sorted(range(3), key=compared)


for turn in range(2 * ROUNDS):
    print(summed(), measured())
    print(ordered(), measured())
    print(Part(40).inner is None, measured())
    checkpoint()
    print(measured())
