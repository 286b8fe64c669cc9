"""Objects whose reduce says that they are a global of the program's own module."""
import sys
from typing import NewType, TypeVar

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
Number = NewType("Number", int)
Item = TypeVar("Item", int, str)
table = {Number: "number", Item: "item"}

for turn in range(100 * ROUNDS):
    checkpoint()
    if turn % 25 == 0:
        print(Number(turn), Number.__supertype__, table[Number], Item.__constraints__, table[Item])
