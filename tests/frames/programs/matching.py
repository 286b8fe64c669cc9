# needs Python 3.10
"""match statements with calls in guards and captures of every kind of pattern."""
import dataclasses
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


@dataclasses.dataclass
class Number:
    value: int


@dataclasses.dataclass
class Binary:
    operator: str
    left: object
    right: object


def small(n):
    checkpoint()
    return n < 10


def evaluate(node):
    match node:
        case Number(value=v) | int(v) if small(v):
            return v
        case Number(v) | int(v):
            return v - 1
        case Binary("+", left, right):
            return evaluate(left) + evaluate(right)
        case Binary(operator="*" | "x", left=left, right=right):
            return evaluate(left) * evaluate(right)
        case [first, *rest]:
            return evaluate(first) + len(rest)
        case {"value": value, **others}:
            checkpoint()
            return evaluate(value) + len(others)
        case (None | True) as odd:
            return -1 if odd is None else 1
        case str():
            return len(node)
        case _:
            checkpoint()
            return 0


def tree(depth, seed):
    if depth == 0:
        leaves = [Number(seed % 23), seed % 5, [seed % 7, 2, 3], {"value": seed % 3, "x": 0}, None, "text", 2.5]
        return leaves[seed % len(leaves)]
    return Binary("+x*"[seed % 3], tree(depth - 1, seed * 7 + 1), tree(depth - 1, seed * 5 + 3))


for turn in range(20 * ROUNDS):
    result = evaluate(tree(6, turn))
    if turn % 4 == 0:
        print(turn, result)
