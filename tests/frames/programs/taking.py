"""Assignments and calls that take all items of an iterator first: a, b = x; a, *b = x; f(*x); tuple(x)."""
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []


def numbers(n):
    for i in range(n):
        checkpoint()
        yield i
    checkpoint()
    log.append(n)


class Pair:
    def __init__(self, left, right):
        self.left = left
        self.right = right

    def __iter__(self):
        checkpoint()
        yield self.left
        checkpoint()
        yield self.right
        checkpoint()

    def __del__(self):
        log.append("pair")


class Counting:
    """No generator: what has been taken from it cannot be told."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        attempt()
        return self

    def __next__(self):
        attempt()
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n


class Ghost:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        log.append(f"{self.name} is gone")


def ghosts(n):
    for i in range(n):
        checkpoint()
        yield Ghost(f"ghost {i}")


def key(x):
    checkpoint()
    return x * 10


def plus(*parts, **named):
    checkpoint()
    return sum(parts) + sum(named.values())


class Sum:
    def __init__(self, *parts):
        checkpoint()
        self.total = sum(parts)


def nested(n):
    a, b = (x + 1 for x in numbers(2))
    yield a + n
    c, *d = numbers(3)
    yield c + sum(d)


def failing(n):
    yield from numbers(n)
    raise LookupError(n)


def errors():
    found = []
    for unpack in (
        lambda: unpack_two(numbers(1)),
        lambda: unpack_two(numbers(3)),
        lambda: unpack_two(failing(1)),
        lambda: unpack_rest(numbers(1)),
        lambda: unpack_rest(failing(3)),
        lambda: tuple(failing(2)),
        lambda: plus(*failing(2)),
        lambda: unpack_two(Pair(1, 2)),
    ):
        try:
            found.append(unpack())
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


def unpack_two(items):
    a, b = items
    return a, b


def unpack_rest(items):
    a, b, *c = items
    return a, b, c


def hot(items):
    return tuple(items)


def deep(n):
    return tuple(deep(n - 1) if x else n for x in numbers(2)) if n else 0


for turn in range(5):
    assert hot(()) == ()  # tuple(x) has become an instruction of its own
for turn in range(6 * ROUNDS):
    a, b = numbers(2)
    c, *d = numbers(4)
    *e, f = numbers(3)
    g, *h, i = numbers(2)
    (j, k), l = (Pair(n, numbers(2)) for n in range(2))
    m, n = map(key, [turn, 2])
    o, p = filter(key, numbers(3))
    [q, (r, s)] = Pair(1, Pair(2, 3))
    t, u = nested(turn)
    (only,) = numbers(1)
    l = sorted(x if isinstance(x, int) else sum(x) for x in l)
    print(turn, a, b, c, d, e, f, g, h, i, j, sum(k), l, m, n, o, p, q, r, s, t, u, only)
    print(tuple(numbers(4)), hot(numbers(3)), hot(map(key, numbers(2))), hot(Pair(5, 6)), deep(3))
    print(plus(*numbers(3)), plus(1, *numbers(3), 2), plus(*numbers(2), a=4), Sum(*numbers(4)).total)
    print(*numbers(3), plus(*Pair(7, turn)), errors())
    v, w = Counting(2)
    print(v, w, tuple(Counting(3)), hot(Counting(3)), plus(*Counting(3)))
    for left, right in (Pair(x, 9) for x in numbers(3)):
        print(left, right, end=" ")
    x, *y = ghosts(3)
    log.append("taken")
    del x, y
    x = hot(ghosts(2))
    x = None
    print(len(log), log[-12:])
