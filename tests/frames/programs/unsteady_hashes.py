"""Members of sets whose hashes change, fail, or that must not be compared: they stay members."""
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


class ByIdentity(Unsteady):
    def __hash__(self):
        return id(self)


def names(group):
    return sorted(member.name for member in group)


def inside(kind, size):
    global enabled
    group = {kind(i) for i in range(size)}
    frozen = frozenset(group)
    gone = group.pop()
    enabled = False
    checkpoint()
    print(kind.__name__, len(group), len(frozen), gone in [gone], names(frozen) == list(range(size)))
    enabled = True
    checkpoint()
    group.clear()
    group.update([gone])
    return names(group) == [gone.name]


for turn in range(20 * ROUNDS):
    for kind in (Unsteady, Failing, ByIdentity):
        print(turn, inside(kind, 1 + turn * 3))
    kept = [ByIdentity(i) for i in range(turn * 5)]
    group = set(kept)
    checkpoint()
    assert all(member in group for member in kept)
    print(len(group))
