"""Linked lists and nests far deeper than the recursion limit are kept, and so is a big dict."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Link:
    def __init__(self, value, after):
        self.value = value
        self.after = after


chain = None
for i in range(20_000):
    chain = Link(i, chain)
nest = ()
for i in range(20_000):
    nest = (nest, i)
table = {i: [str(i)] for i in range(20_000)}
checkpoint()
for turn in range(5 * ROUNDS):
    total, link = 0, chain
    while link is not None:
        total += link.value
        link = link.after
    depth, inner = 0, nest
    while inner:
        inner, _ = inner
        depth += 1
    if turn % 2 == 0:
        checkpoint()
    print(turn, total, depth, len(table), table[turn])
# Taken apart from the outside, so that the end of the program needs no deep recursion.
while chain is not None:
    chain = chain.after
while nest:
    nest = nest[0]
