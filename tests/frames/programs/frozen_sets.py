"""A frozenset that is made while the program is suspended, before its first member and later."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Items:
    def __init__(self, left):
        self.left = left

    def __iter__(self):
        return self

    def __next__(self):
        checkpoint()
        if not self.left:
            raise StopIteration
        self.left -= 1
        return self.left


for turn in range(ROUNDS):
    print(sorted(frozenset(Items(3))), frozenset())
