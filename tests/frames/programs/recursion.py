"""Ackermann, Hanoi, mutual recursion and permutations: many frames, each half done."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def hanoi(n, source, target, spare, pegs):
    if n == 0:
        return 0
    moves = hanoi(n - 1, source, spare, target, pegs)
    pegs[target].append(pegs[source].pop())
    if len(pegs[target]) == 5:
        checkpoint()
    return moves + 1 + hanoi(n - 1, spare, target, source, pegs)


def even(n):
    if n == 0:
        checkpoint()
        return True
    return odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def permutations(items):
    if len(items) <= 1:
        return [items]
    found = []
    for i, item in enumerate(items):
        for rest in permutations(items[:i] + items[i + 1 :]):
            found.append([item] + rest)
    return found


for turn in range(3 * ROUNDS):
    pegs = {"a": list(range(9, 0, -1)), "b": [], "c": []}
    print("ackermann", ackermann(2, 40 + turn % 5))
    checkpoint()
    print("hanoi", hanoi(9, "a", "c", "b", pegs), pegs)
    print("even", even(300), even(301 + turn % 2))
    print("permutations", len(permutations([1, 2, 3, 4, 5, 6])))
    checkpoint()
