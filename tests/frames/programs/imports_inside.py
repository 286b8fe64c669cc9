"""Modules imported in the middle, in functions, and by name; the stdlib stays by name."""
import importlib
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
NAMES = ["colorsys", "fnmatch", "graphlib", "shlex", "statistics", "string", "html", "calendar"]


def used(n):
    import colorsys
    from fnmatch import fnmatch as matches

    checkpoint()
    return colorsys.rgb_to_hsv(n % 3, 0.5, 0.25)[2], matches(f"x{n}", "x*")


loaded = []
for turn in range(400 * ROUNDS):
    row = used(turn)
    if turn % 50 == 0:
        loaded.append(importlib.import_module(NAMES[turn // 50 % len(NAMES)]))
        checkpoint()
        print(turn, *row, loaded[-1].__name__, loaded[-1] is sys.modules[loaded[-1].__name__])
import graphlib

sorter = graphlib.TopologicalSorter({"c": {"b"}, "b": {"a"}})
checkpoint()
print(list(sorter.static_order()), loaded[2] is graphlib)
