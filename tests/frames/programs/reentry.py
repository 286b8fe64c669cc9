"""Python code that C runs at its own moments, or may not run twice: a suspend waits for its end."""
import functools
import sys
import weakref
from dataclasses import dataclass

from checkpoint import attempt

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []


class Noted:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        attempt()
        log.append(self.name)

    def gone(self, reference):
        attempt()
        log.append(f"{self.name} saw {reference() is None}")


def dropping(n):
    doomed = Noted("doomed")
    return n * 2 if doomed else 0


def referring(keeper, n):
    target = Noted("target")
    kept = weakref.ref(target, keeper.gone)
    return n * 3, kept


def finishing(n):
    def numbers():
        try:
            yield n
        finally:
            attempt()
            log.append("closed")

    return next(numbers())


class Point:
    def __init__(self, x):
        self.x = x

    @property
    def value(self):
        attempt()
        raise AttributeError("no value")

    def __contains__(self, x):
        attempt()
        return "yes" if x == self.x else ""

    def __format__(self, spec):
        attempt()
        log.append("format")
        return f"<{self.x}>"

    def __str__(self):
        attempt()
        log.append("str")
        return f"P{self.x}"

    def __lt__(self, other):
        attempt()
        return NotImplemented

    def __gt__(self, other):
        attempt()
        return True


class Sub(Point):
    pass


class Fresh:
    def __new__(cls, *parts):
        attempt()
        made = super().__new__(cls)
        made.parts = parts
        return made

    def __init__(self, *parts):
        attempt()
        self.count = len(parts)


@dataclass(frozen=True)
class Key:
    n: int

    def __hash__(self):
        attempt()
        return self.n


class Default(dict):
    def __missing__(self, key):
        attempt()
        return len(self), key


async def later(n):
    attempt()
    yield n


finished = later(1)
try:
    finished.asend(None).send(None)
except StopIteration as stop:
    log.append(stop.value)
for turn in range(25 * ROUNDS):
    p, s = Point(turn), Sub(turn)
    shown = [dropping(turn), referring(Noted("keeper"), turn)[0], finishing(turn)]
    shown.append(functools.partial(getattr, p)("value", "default"))
    shown.append(functools.partial(lambda a, b: a in b)(turn, p))
    shown += ["{0} {1} {0}".format(p, s), p < s, Default(a=1)[Key(turn), 2]]
    fresh = Fresh(*[i for i in range(turn % 4)])
    print(turn, *shown, fresh.parts, fresh.count)
    print(p, s)
print(len(log), log[-12:])
