"""Sorts whose comparisons run Python code, left inside of one."""
import functools
import sys
from dataclasses import dataclass

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
asked = []


class Version:
    def __init__(self, text):
        self.text = text
        self.parts = tuple(map(int, text.split(".")))

    def __lt__(self, other):
        asked.append((self.text, other.text))
        checkpoint()
        return self.parts < other.parts

    def __eq__(self, other):
        checkpoint()
        return self.parts == other.parts

    __hash__ = None


class Reflected:
    """Compared by the other one's method, after its own has been asked."""

    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        asked.append(("no", self.n))
        checkpoint()
        return NotImplemented

    def __gt__(self, other):
        asked.append(("gt", self.n))
        checkpoint()
        return self.n > other.n


@dataclass(order=True)
class Task:
    priority: int
    name: str


class Odd(int):
    def __lt__(self, other):
        checkpoint()
        return int.__lt__(self % 10, other % 10)


def compare(a, b):
    asked.append((a, b))
    checkpoint()
    return (a > b) - (a < b)


def fails(a, b):
    checkpoint()
    if a == 3:
        raise LookupError(a)
    return a - b


def peeking(items):
    def look(a, b):
        asked.append(len(items))
        checkpoint()
        return a - b

    items.sort(key=functools.cmp_to_key(look))
    return items


def meddling(items):
    def meddle(a, b):
        items.append(a)
        attempt()
        items.clear()
        return a - b

    try:
        items.sort(key=functools.cmp_to_key(meddle))
    except ValueError as error:
        return str(error), items
    return items


def some(n, turn):
    return [(i * 7 + turn) % 11 for i in range(n)]


for turn in range(3 * ROUNDS):
    versions = [Version(f"1.{n}") for n in some(12, turn)]
    row = [
        [v.text for v in sorted(versions)],
        [v.text for v in sorted(versions, reverse=True)],
        [v.text for v in sorted(v for v in versions)],
        [v.text for v in sorted(set(map(id, ())) or versions, key=lambda v: v)],
        [t[1] for t in sorted((v, i) for i, v in enumerate(versions[:5]))],
        [t[0] for t in sorted([(i % 2, v) for i, v in enumerate(versions[:5])], key=lambda t: t)],
        [r.n for r in sorted(map(Reflected, some(6, turn)))],
        sorted(some(9, turn), key=functools.cmp_to_key(compare)),
        sorted([Odd(n) for n in some(9, turn)]),
        [t.name for t in sorted(Task(n % 3, f"t{n}") for n in some(8, turn))],
        peeking(some(7, turn)),
        meddling(some(4, turn)),
        min(versions).text,
        max(some(5, turn), key=functools.cmp_to_key(compare)),
    ]
    versions.sort()
    row.append([v.text for v in versions])
    versions.sort(key=lambda v: (v.parts[1] % 3, v), reverse=True)
    row.append([v.text for v in versions])
    broken = some(8, turn)
    try:
        broken.sort(key=functools.cmp_to_key(fails))
    except LookupError as error:
        row.append((repr(error), sorted(broken)))
    print(turn, *row, len(asked), sep="\n  ")
    print(asked[-40:])
    asked.clear()
