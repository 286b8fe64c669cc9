"""Keys of dicts whose hashes change, fail, or that must not be compared: they stay keys, in order."""
import os
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
enabled = True


class Unsteady:
    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        if not enabled:
            raise AssertionError("compared")
        return self is other

    def __hash__(self):
        return os.urandom(1)[0] % 2


class Failing(Unsteady):
    def __hash__(self):
        if not enabled:
            raise TypeError("no hash any more")
        return 5


class Whole(Unsteady):
    def __eq__(self, other):
        return self.owner[0] is other.owner[0] and self.name == other.name

    def __hash__(self):
        return 7


class Table(dict):
    pass


def inside(make, kind, size):
    global enabled
    table = make((kind(i), [i]) for i in range(size))
    pairs = {(key, "and", i): key for i, key in enumerate(table)}
    mixed = {1: "one", **table, "1": "text", (): "empty"}
    enabled = False
    checkpoint()
    print(kind.__name__, [key.name for key in table], list(table.values()) == [[i] for i in range(size)])
    print(all(one is pair[0] is key for one, (pair, key) in zip(table, pairs.items())), len(pairs))
    print(mixed[1], mixed["1"], mixed[()], len(mixed), [key for key in mixed if type(key) is not kind])
    enabled = True
    checkpoint()
    return [key.name for key in pairs.values()]


def around(size):
    """Each key leads to its own table."""
    table = {}
    for i in range(size):
        key = Whole(i)
        key.owner = [table]
        table[key] = i
    checkpoint()
    print([table[key] for key in table], [key.owner[0] is table for key in table])
    missing = Whole(size)
    missing.owner = [table]
    return missing in table


for turn in range(15 * ROUNDS):
    for kind in (Unsteady, Failing):
        print(turn, inside(dict, kind, 1 + turn * 3), inside(Table, kind, turn))
    print(turn, around(turn))
