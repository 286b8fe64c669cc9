"""Lists and tuples that compare their items: in, index, count, remove, ==, <, left inside of __eq__."""
import functools
import sys
import time
from dataclasses import dataclass

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
asked = []


class Item:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        asked.append(("eq", self.n))
        checkpoint()
        return isinstance(other, Item) and self.n == other.n

    def __lt__(self, other):
        asked.append(("lt", self.n))
        checkpoint()
        return self.n < other.n

    def __ge__(self, other):
        asked.append(("ge", self.n))
        checkpoint()
        return [self.n, other.n]  # not a bool: it is what the comparison of the lists says

    def __hash__(self):
        return hash(self.n)

    def __repr__(self):
        return f"Item({self.n})"


class Shy(Item):
    """Leaves it to the other one."""

    def __eq__(self, other):
        asked.append(("shy", self.n))
        checkpoint()
        return NotImplemented

    __hash__ = Item.__hash__


class Shrinking(Item):
    """Changes the list in which it is being looked for."""

    def __eq__(self, other):
        checkpoint()
        if row:
            row.pop()
        checkpoint()
        return False

    __hash__ = Item.__hash__


class Emptying(Item):
    """Differs, but then there is nothing left that could."""

    def __eq__(self, other):
        row.clear()
        checkpoint()
        rest.clear()
        return False

    __hash__ = Item.__hash__


class Failing(Item):
    def __eq__(self, other):
        checkpoint()
        raise LookupError(self.n)

    __hash__ = Item.__hash__


class Quiet(Item):
    def __eq__(self, other):
        attempt()
        return self.n == other.n

    __hash__ = Item.__hash__


class Listing(list):
    pass


@dataclass
class Pair:
    left: object
    right: object


@dataclass(order=True)
class Ordered:
    left: object
    right: object


@functools.lru_cache(maxsize=8)
def cached(*parts, by=1, **named):
    checkpoint()
    return (parts, by, sorted(named))


def tried(call, *arguments):
    try:
        return call(*arguments)
    except Exception as error:
        return type(error).__name__, str(error)


def items(*numbers):
    return [Item(n) for n in numbers]


keyed = {(Item(i), 1): i for i in range(5)}
for turn in range(4 * ROUNDS):
    n = turn % 5
    listed = [0, "a", *items(1, 2, 3, 4), None]
    shown = [
        Item(n) in listed,
        Item(n) not in tuple(listed),
        n in listed,
        None in listed,
        Shy(n) in items(1, 2, 3),
        Item(n) in [Shy(1), Shy(2)],
        tried(listed.index, Item(n)),
        tried(tuple(listed).index, Item(n)),
        listed.count(Item(n)),
        (*listed, Item(n)).count(Item(n)),
        tried(listed.remove, Item(n)),
        len(listed),
        items(1, n) == items(1, 2),
        items(1, n) != items(1, 2),
        items(1, n) == items(1),
        (Item(1), n) == (Item(1), 2),
        tuple(items(1, n, 3)) < tuple(items(1, 2, 3)),
        time.struct_time(items(*range(9))) == time.struct_time(items(*range(6), n, 7, 8)),
        items(1, n) >= items(1, 2),
        items(1, 2) <= items(1, 2, n),
        [Shy(n)] == items(n),
        Pair(Item(n), 1) == Pair(Item(1), 1),
        Ordered(Item(n), 1) < Ordered(Item(1), 1),
        tried(lambda: Item(1) in [1, Failing(3)]),
        tried(lambda: [Failing(3)] == [4]),
    ]
    row = [Shrinking(i) for i in range(6)]
    shown.append(Item(7) in row)
    row = [Shrinking(i) for i in range(6)]
    shown += [row == items(0, 1, 2, 3, 4, 5), len(row)]
    row, rest = [Emptying(n), 1], items(n, 2)
    shown += [row == rest, row, rest]
    row, rest = [Emptying(n)], items(n)
    shown += [row != rest, row, rest]
    shown += [
        [1, items(n)] == [1, items(1)],
        [(Item(n), items(2))] < [(Item(1), items(2))],
        items(n) in [items(1), items(2)],
        keyed[Item(n), 1],
        (Item(n), 1) in keyed,
        (Item(n), 1) in set(keyed),
        keyed.get((Item(7), 1)),
        sorted([items(n, 2), items(1, 3)]),
    ]
    # What is in between holds the stack in C.
    shown += [
        [[0, Quiet(n)]] == [[0, Quiet(1)]],
        [[[Quiet(n)]]] == [[[Quiet(1)]]],
        Listing([Quiet(n)]) == Listing([Quiet(1)]),
        {"a": Quiet(n)} == {"a": Quiet(1)},
        {"a": [Quiet(n)]} == {"a": [Quiet(1)]},
        Quiet(n) in Listing([Quiet(1)]),
    ] if turn % 2 == 0 else [tried(lambda: [Quiet(n)].index(Quiet(2), 0, 5))]
    shown += [cached(n, by=2), cached(by=turn, other=3), cached(n, by=2), cached.cache_info()]
    print(turn, *shown, len(asked), sep="\n  ")
    print(asked[-9:])
