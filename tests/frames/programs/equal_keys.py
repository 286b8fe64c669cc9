"""Keys of dicts and members of sets that compare in Python, left inside of __eq__."""
import collections
import sys
from dataclasses import dataclass

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
asked = []


class Key:
    def __init__(self, n):
        self.n = n
        self.loud = True

    def __hash__(self):
        if self.loud:  # a resume asks the keys that are in dicts and sets for their hashes
            asked.append(("hash", self.n))
        return hash((self.n, "key"))

    def __eq__(self, other):
        asked.append(("eq", self.n))
        checkpoint()
        return isinstance(other, Key) and self.n == other.n

    def __repr__(self):
        return f"Key({self.n})"


class Special(Key):
    """Asked before what is there: the method of a subclass comes first."""

    def __eq__(self, other):
        asked.append(("special", self.n))
        checkpoint()
        return super().__eq__(other)

    __hash__ = Key.__hash__


class Number(int):
    """Its hash is C's."""

    def __eq__(self, other):
        checkpoint()
        return int(self) == int(other)

    __hash__ = int.__hash__


class Quiet(Number):
    def __eq__(self, other):
        attempt()
        return int(self) == int(other)

    __hash__ = int.__hash__


class Within(Key):
    """Where something in between is at work."""

    def __eq__(self, other):
        attempt()
        return self.n == other.n

    __hash__ = Key.__hash__


class Shy(Key):
    """Leaves it to the other one, which is asked in the end."""

    def __eq__(self, other):
        asked.append(("shy", self.n))
        checkpoint()
        return NotImplemented

    def __lt__(self, other):
        asked.append(("shy", self.n))
        checkpoint()
        return NotImplemented

    __ne__ = __eq__
    __hash__ = Key.__hash__


class Bold(Key):
    def __gt__(self, other):
        asked.append(("gt", self.n))
        checkpoint()
        return self.n > other.n

    def __ne__(self, other):
        asked.append(("ne", self.n))
        checkpoint()
        return self.n != other.n


class ShySpecial(Special, Shy):
    """Is asked first, and then the other one."""

    __eq__ = Shy.__eq__
    __hash__ = Key.__hash__


class Same(Key):
    """All have one hash."""

    def __hash__(self):
        return 7

    def __eq__(self, other):
        attempt()
        return self.n == other.n


class Failing(Key):
    def __eq__(self, other):
        checkpoint()
        raise LookupError(self.n)

    __hash__ = Key.__hash__


@dataclass(frozen=True)
class Point:
    x: int
    y: object


def stored(key):
    key.loud = False
    return key


def displays():
    """A comprehension and a display put keys in, too."""
    return [{Quiet(n % 3): n for n in range(5)}, {Quiet(1): 1, Quiet(2): 2, Quiet(1): 3}]


table = {stored(Key(n)): n for n in range(40)}
members = {stored(Key(n)) for n in range(40)}
numbers = {Number(n): n for n in range(40)}
mixed = {stored(Key("s")): 0, "s": 1, 2: 2}
frozen = frozenset(members)
counted = collections.Counter([stored(Key(1)), stored(Key(5))])
defaults = collections.defaultdict(list, {stored(Key(3)): [3]})
failing = {stored(Failing(1)): 1}
for turn in range(6 * ROUNDS):
    n = turn % 40
    table[Key(n)] += 1
    members.add(Key(n))
    row = [
        table[Key(n)],
        table.get(Key(n)),
        table.setdefault(Key(n), 5),
        dict.get(table, Key(n)),
        Key(n) in table,
        Key(n) not in members,
        Key(n) in frozen,
        table[Special(n)],
        Special(n) in members,
        numbers[Number(n)],
        numbers[n],
        Number(n) in numbers,
        mixed[Key("s")],
        counted[Key(5)],
        defaults[Key(3)],
        Shy(n) in {stored(Within(n)): 1},
        table[Shy(n)],
        Key(n) in {stored(Shy(n)): 1},
        Key(n) in {stored(Shy(n))},
        table.get(ShySpecial(n)),
        Shy(n) == Key(n),
        Shy(n) == Shy(n),
        Shy(n) != Bold(n),
        Shy(n) < Bold(n + 1),
        Key(n) == ShySpecial(n),
        (n, Within(n)) in {(n, stored(Within(n))): 1},
        Point(n, 1) in {Point(n, 1): 1},
        len({Same(n), Same(n + 1), Same(n)}),
        {Same(1): 1, Same(2): 2}[Same(2)],
        [Within(n)] == [Within(n)],
        Within(n) in [Within(n + 1), Within(n)],
        Point(n, Within(1)) in {Point(n, stored(Within(1))): 1},
    ]
    row.append(table.pop(Key(n)))
    table[stored(Key(n))] = row[-1]
    members.discard(Key(n))
    members.add(stored(Key(n)))
    members.remove(Key((n + 1) % 40))
    members.add(stored(Key((n + 1) % 40)))
    del table[Key((n + 2) % 40)]
    table[stored(Key((n + 2) % 40))] = turn
    try:
        failing[Failing(1)]
    except LookupError as error:
        row.append(repr(error))
    print(turn, *row, len(asked), len(table), len(members))
    print(asked[-12:])
print(displays(), len(asked))
