"""What a function holds dies as it returns, also where a suspend has been refused in it."""
import os
import sys
import weakref

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
HERE = os.path.dirname(os.path.abspath(__file__))


class Held:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print(self.name, "is gone")


def refused(turn):
    held = Held(f"local {turn}")
    with os.scandir(HERE) as found:
        entry = next(found)
    attempt()  # an os.DirEntry is not kept
    del entry
    return weakref.ref(held)


def caller(turn):
    held = Held(f"of the caller {turn}")
    reference = refused(turn)
    print("returned", reference() is None)
    return weakref.ref(held)


for turn in range(3 * ROUNDS):
    print("end", caller(turn)() is None)
    checkpoint()
