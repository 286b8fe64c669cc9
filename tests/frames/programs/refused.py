"""C code that holds state across a call back into Python: kept or refused, and never a wrong answer."""
import functools
import sys

from checkpoint import attempt

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Same:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        attempt()
        return self.value == other.value

    def __lt__(self, other):
        attempt()
        return self.value < other.value

    def __hash__(self):
        attempt()
        return hash(self.value)

    def __index__(self):
        attempt()
        return self.value

    def __repr__(self):
        attempt()
        return f"Same({self.value})"

    def __iter__(self):
        for i in range(self.value):
            attempt()
            yield i

    @property
    def absent(self):
        attempt()
        raise AttributeError("fell back")

    def __getattr__(self, name):
        attempt()
        return f"{name} by getattr"


class Dropped:
    def __del__(self):
        attempt()
        gone.append(1)


def key(x):
    attempt()
    return -x


def plus(a, b):
    attempt()
    return a + b


def endless():
    attempt()
    yield 1


gone = []
for turn in range(60 * ROUNDS):
    numbers = [turn, 3, 9, 1]
    a, b, c = Same(3)
    same = Same(2)
    row = [
        sorted(numbers, key=key),
        max(numbers, key=key),
        sum(Same(4)),
        list(Same(3)),
        tuple(map(key, numbers)),
        list(filter(key, numbers)),
        functools.reduce(plus, numbers),
        "".join(str(x) for x in Same(3)),
        [*Same(2), *Same(1)],
        (a, b, c),
        {Same(1): "one"}[Same(1)],
        Same(1) in [Same(2), Same(1)],
        Same(1) in [Same(2), Same(3)],
        [Same(1)] == [Same(1)],
        Same(1) != Same(2),
        sorted([Same(3), Same(1)])[0].value,
        numbers[same],
        f"{same!r} {[same]}",
        same.absent,
        getattr(same, "missing", "default"),
        next(endless(), 0),
        dict.fromkeys(Same(2)),
    ]
    Dropped()
    if turn % 20 == 0:
        print(turn, *row, len(gone), sep="\n  ")
