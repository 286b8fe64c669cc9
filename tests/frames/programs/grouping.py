"""itertools with Python callbacks: groupby, takewhile, dropwhile, map and filter of lambdas in for loops."""
import itertools
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def decade(n):
    total = 0
    for i in range(20):
        total += i
    return n // 10 * 10


for turn in range(40 * ROUNDS):
    found = []
    for key, group in itertools.groupby(range(turn, turn + 60, 3), key=decade):
        checkpoint()
        size = 0
        for member in group:
            size += member
        found.append((key, size))
    doubled = []
    for value in map(lambda x: x * 2 + decade(x), range(30)):
        checkpoint()
        doubled.append(value)
    odd = []
    for value in filter(lambda x: decade(x) != 10 and x % 2, range(40)):
        checkpoint()
        odd.append(value)
    low = []
    for value in itertools.takewhile(lambda x: decade(x) < 20, itertools.count(turn % 5)):
        low.append(value)
    high = []
    for value in itertools.dropwhile(lambda x: decade(x) < 20, range(10, 30)):
        checkpoint()
        high.append(value)
    if turn % 10 == 0:
        print(turn, found, doubled[-3:], odd[-3:], low[-2:], high[:2])
