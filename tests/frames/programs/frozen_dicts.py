# needs Python 3.15
"""Dicts that never change, what derives from them, and walks over them, left in the middle."""
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Settings(frozendict):
    """With attributes of its own."""


class Key:
    def __init__(self, name):
        self.name = name

    def __hash__(self):
        attempt()
        return 5

    def __eq__(self, other):
        attempt()
        return self is other


def walked(table):
    for key in table:
        checkpoint()
        yield key, table[key]


def walk(turn):
    table = frozendict(one=turn, two=[turn, turn + 1], three=())
    keys, values, items = table.keys(), table.values(), table.items()
    rest, pairs = iter(items), walked(table)
    first = next(rest), next(pairs)
    checkpoint()
    left = [item for item in items if item[0] != "two"]
    return first, list(keys), list(values), list(rest), list(pairs), left, table | {"four": 4}


def made(turn):
    inner = []
    loop = frozendict(itself=inner)
    inner.append(loop)
    settings = Settings(width=turn)
    settings.name = f"settings {turn}"
    view = settings.keys()
    key = Key("first")
    keyed = frozendict({key: 1, Key("second"): 2})
    checkpoint()
    by_table = {frozendict(turn=turn): "found"}
    checkpoint()
    found = by_table[frozendict(turn=turn)], keyed[key], [each.name for each in keyed]
    return found, loop["itself"][0] is loop, settings, settings.name, list(view)


for turn in range(6 * ROUNDS):
    print(walk(turn))
    print(made(turn), hash(frozendict({1: turn})))
