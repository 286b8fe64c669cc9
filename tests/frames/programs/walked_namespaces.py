# needs 3.9
"""Loops over the namespaces of classes and modules of the library, in which things are cached
meanwhile: over those that a program of several lives finds, which lack some of that."""
import abc
import json
import sys
import weakref

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Known(abc.ABC):
    pass


def walk(entries, name_of, wanted):
    seen = []
    for entry in entries:
        name = name_of(entry)
        if name in wanted:
            checkpoint()
            seen.append(name)
    return seen


def itself(entry):
    return entry


def first(entry):
    return entry[0]


for _ in range(ROUNDS):
    # From 3.10 on these put what they find into the class.
    getattr(weakref.WeakSet, "__annotations__", None)
    getattr(json.JSONDecoder, "__annotations__", None)
    json.remembered = 1  # the program's own is there again
    print(walk(weakref.WeakSet.__dict__.items(), first, {"add", "__len__", "__or__", "isdisjoint"}))
    print(walk(weakref.WeakSet.__dict__, itself, {"add", "__len__", "isdisjoint"}))
    print(walk(reversed(json.JSONDecoder.__dict__), itself, {"decode", "raw_decode", "__init__"}))
    print(walk(vars(json).items(), first, {"dumps", "loads", "remembered"}))
    print(walk(vars(Known).keys(), itself, {"__module__", "__doc__"}))
