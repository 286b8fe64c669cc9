"""Builtins that consume a generator or call a function for each item, left in the middle."""
import collections
import functools
import itertools
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []

def numbers(n):
    for i in range(n):
        checkpoint()
        yield i
    log.append(("numbers", n))


def key(x):
    checkpoint()
    return -x


def even(x):
    checkpoint()
    return x % 2 == 0


def plus(a, b):
    checkpoint()
    return a + b


class Row:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        for i in range(self.n):
            checkpoint()
            yield i


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        checkpoint()
        return self

    def __next__(self):
        checkpoint()
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n


class Falling(Countdown):
    """For zip, which asks several for their iterators first."""

    def __iter__(self):
        return self


class Vector:
    def __init__(self, *parts):
        self.parts = parts

    def __add__(self, other):
        checkpoint()
        return Vector(*(a + b for a, b in zip(self.parts, other.parts)))

    def __lt__(self, other):
        checkpoint()
        return self.parts < other.parts

    def __gt__(self, other):
        checkpoint()
        return self.parts > other.parts

    def __bool__(self):
        checkpoint()
        return any(self.parts)


def failing(n):
    yield from numbers(n)
    raise LookupError(n)


def errors():
    found = []
    for call in (
        lambda: sum(failing(2)),
        lambda: list(failing(2)),
        lambda: max(failing(2), key=key),
        lambda: max(numbers(0)),
        lambda: functools.reduce(plus, numbers(0)),
        lambda: sum(["a"], checkpoint() or numbers),
        lambda: sorted(numbers(3), key=lambda x: 1 / x),
        lambda: "".join(numbers(2)),
        lambda: set([x] for x in numbers(2)),
        lambda: sum(str(x) for x in numbers(2)),
        lambda: min(numbers(3), nothing=1),
        lambda: list(numbers(2), numbers(2)),
        lambda: tuple(failing(2)),
        lambda: collections.deque(failing(2)),
        lambda: collections.deque(numbers(2), "x"),
        lambda: bytes(x * 150 for x in numbers(3)),
        lambda: bytes(str(x) for x in numbers(2)),
        lambda: bytes(failing(2)),
        lambda: dict(numbers(2)),
        lambda: dict(failing(0)),
        lambda: sum((1 << 1100 for x in numbers(2)), 0.5),
        lambda: list(zip(numbers(2), failing(1))),
    ):
        try:
            found.append(call())
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


def in_place():
    items = [3, 1, 2]

    def peek(x):
        checkpoint()
        log.append(len(items))
        return -x

    items.sort(key=peek, reverse=True)
    return items, log[-3:]


for turn in range(5 * ROUNDS):
    row = [
        sum(numbers(5)),
        sum((x / 10 for x in numbers(11)), 0.1),
        sum((Vector(x, 1) for x in numbers(4)), Vector(0, 0)).parts,
        sum(x << 62 for x in numbers(4)),
        sum(([x] for x in numbers(3)), []),
        list(numbers(4)),
        list(Row(3)) + list(Countdown(3)),
        set(numbers(3)),
        frozenset(Row(2)),
        sorted(numbers(5), key=key),
        sorted([3, 1, 2], key=key, reverse=True),
        sorted(Row(4)),
        sorted(["b", "A"], key=lambda s: (checkpoint(), s.lower())[1]),
        in_place(),
        max(numbers(4), key=key),
        min(numbers(4)),
        min([3, 1, 2], key=key),
        max(3, 9, 4, key=key),
        max(numbers(0), default="none"),
        max(Vector(i, 3 - i) for i in numbers(4)).parts,
        any(x > 2 for x in numbers(5)),
        all(x < 3 for x in numbers(5)),
        any(Vector(0, i) for i in numbers(3)),
        "-".join(str(x) for x in numbers(4)),
        list(map(key, numbers(4))),
        list(map(plus, numbers(3), Row(3))),
        [x for x in map(even, [1, 2, 3])],
        list(filter(even, numbers(5))),
        list(filter(None, map(even, numbers(4)))),
        sum(map(key, filter(even, numbers(6)))),
        functools.reduce(plus, numbers(5)),
        functools.reduce(plus, map(key, [1, 2, 3]), 100),
        [*numbers(3), *numbers(2)],
        {*numbers(3)},
        plus(*[*numbers(2)]),
        list(enumerate(numbers(3), 5)),
        list(itertools.chain(numbers(2), numbers(2))),
        list(itertools.islice(numbers(9), 1, 6, 2)),
        3 in numbers(5),
        9 in numbers(5),
        collections.Counter(x % 2 for x in numbers(5)),
        collections.deque(numbers(5), 3),
        collections.deque(numbers(3)),
        collections.deque(map(key, numbers(4)), maxlen=2),
        collections.deque(Row(2)),
        collections.deque(Countdown(3), 2),
        tuple(numbers(3)),
        tuple(Row(3)),
        tuple(map(key, numbers(2))),
        tuple(zip(numbers(2), Row(3))),
        dict((x, x * x) for x in numbers(3)),
        dict(zip(numbers(3), Row(2))),
        dict(enumerate(numbers(2))),
        b"-".join(bytes([x]) for x in numbers(3)),
        bytes(numbers(4)),
        bytes(map(abs, map(key, numbers(4)))),
        bytes(Countdown(3)),
        bytes(Row(3)),
        bytearray(b"-").join(bytes([x]) for x in numbers(2)),
        list(zip(numbers(3), Falling(4), "abcd")),
        list(itertools.takewhile(even, numbers(4))),
        list(itertools.dropwhile(even, numbers(4))),
        list(itertools.takewhile(lambda x: x < 2, numbers(4))),
        list(itertools.accumulate(numbers(4))),
        list(itertools.islice(itertools.cycle(numbers(2)), 5)),
        [(k, list(g)) for k, g in itertools.groupby(x // 2 for x in numbers(5))],
        list(itertools.starmap(plus, zip(numbers(3), Row(3)))),
        sum((x + 0.1 * x * 1j for x in numbers(4)), 0.5),
        sum((x * 1.1 for x in numbers(9)), 1j),
        sum(x if x < 3 else x / 7 for x in numbers(8)),
        errors(),
    ]
    grown = [0]
    grown.extend(numbers(3))
    grown += numbers(2)
    queue = collections.deque()
    queue.extend(numbers(2))
    queue.extendleft(numbers(2))
    first, *rest = [*numbers(4)]
    print(turn, *row, grown, list(queue), first, rest, len(log), sep="\n  ")
    for one, other in zip(numbers(3), Row(3)):
        checkpoint()
        print(one, other, end=" ")
    for index, item in enumerate(map(key, numbers(3))):
        checkpoint()
        print(index, item, end=" ")
    print()
