"""Modules go in the order in which they came: what dies with one can use those that it had imported."""
import sys
import types
import statistics
import string

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
KNOWN = ("statistics", "string", "checkpoint", "made_first", "made_last", "textwrap")


class Last:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print(self.name, statistics.median([3, 1, 2]), string.capwords("the end"), flush=True)


def make(name):
    module = sys.modules[name] = types.ModuleType(name)
    module.last = Last(name)
    checkpoint()


make("made_first")
for turn in range(300 * ROUNDS):
    checkpoint()
    if turn == 100:
        import textwrap

        make("made_last")
    if turn % 100 == 0:
        names = [name for name in list(sys.modules) if name in KNOWN]
        print(names, textwrap.dedent(" a") if turn else "")
