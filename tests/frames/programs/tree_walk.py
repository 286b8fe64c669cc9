"""Recursive generators over a tree: a chain of `yield from`, each frame suspended in the next."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Node:
    def __init__(self, key):
        self.key = key
        self.left = self.right = None

    def insert(self, key):
        side = "left" if key < self.key else "right"
        child = getattr(self, side)
        if child is None:
            setattr(self, side, Node(key))
        else:
            child.insert(key)

    def __iter__(self):
        if self.left is not None:
            yield from self.left
        checkpoint()
        yield self.key
        if self.right is not None:
            yield from self.right


def walk(node, depth=0):
    if node is None:
        return 0
    left = yield from walk(node.left, depth + 1)
    yield depth, node.key
    right = yield from walk(node.right, depth + 1)
    return left + right + 1


def counted(node):
    size = yield from walk(node)
    yield "size", size


for turn in range(6 * ROUNDS):
    root = Node(500)
    key = 7 + turn
    for _ in range(300):
        key = (key * 131 + 17) % 1000
        root.insert(key)
    previous = -1
    for key in root:
        assert key >= previous
        previous = key
    deepest = (0, None)
    for found in counted(root):
        if found[0] == "size":
            print(turn, found, "deepest", deepest)
        elif found[0] > deepest[0]:
            deepest = found
            checkpoint()
