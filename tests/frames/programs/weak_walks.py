"""Walks through sets whose members lead back to the walk."""
import gc
import sys
from collections import UserString
from weakref import WeakSet

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Name(UserString):
    """Its class knows this module, which has the walk; its hash is another one in each process."""


class Node:
    """Hashes by its address, and holds the walk."""

    def __init__(self, number):
        self.number = number
        self.walk = None


for turn in range(ROUNDS):
    names = [Name(letter) for letter in "abcdefgh"]
    weak = WeakSet(names)
    walk = iter(weak)
    checkpoint()
    seen = [next(walk).data]
    checkpoint()
    seen.append(next(walk).data)
    checkpoint()
    lost = next(name for name in names if name.data not in seen).data
    names = [name for name in names if name.data != lost]
    gc.collect()
    checkpoint()
    rest = [name.data for name in walk]
    print(sorted(seen + rest) == sorted(name.data for name in names), len(rest), lost in rest)
    print(len(weak), len(names), sorted(map(str, weak)) == sorted(map(str, names)))

    nodes = {Node(number) for number in range(20)}
    steps = iter(nodes)
    for node in nodes:
        node.walk = steps
    checkpoint()
    begun = [next(steps).number for _ in range(7)]
    checkpoint()
    begun += [node.number for node in steps]
    print(sorted(begun) == list(range(20)), len(begun))
