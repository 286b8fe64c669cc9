"""Texts that are run with builtins of their own: few, or with an `__import__` of the program's."""
import builtins
import collections
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

LOOP = """
queue = deque([3, 4], 9)
for place, (name, number) in zip(limit(3), table.items()):
    checkpoint()
    queue.append(number + place)
    total = max(queue, key=negative)
    if name == "b":
        continue
    say(name, number, queue, total)
"""


def negative(number):
    checkpoint()
    return -number


def refuse(name, *arguments):
    raise ImportError(f"{name} is forbidden")


few = {name: getattr(builtins, name) for name in ("zip", "max")}
few |= {"limit": range, "say": print, "deque": collections.deque}
few |= {"checkpoint": checkpoint, "negative": negative}
for turn in range(ROUNDS):
    for more in ({}, {"__import__": refuse}):
        namespace = {"__builtins__": {**few, **more}, "table": {"a": 1, "b": 2, "c": 3}}
        exec(LOOP, namespace)
        checkpoint()
        print(sorted(namespace), "__import__" in namespace["__builtins__"])
        try:
            exec("import os", namespace)
        except ImportError as error:
            print(error)
