"""Sets of classes of one's own: places and order stay, no member is asked and no __init__ called."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Item:
    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return self.number % 3

    def __eq__(self, other):
        asked.append(self.number)
        return isinstance(other, Item) and self.number == other.number


class Named(set):
    def __init__(self, name, members=()):
        super().__init__(members)
        self.name = name
        asked.append(name)


class Slotted(set):
    __slots__ = ("name",)


class Fixed(frozenset):
    def __new__(cls, members, name="fixed"):
        made = super().__new__(cls, members)
        made.name = name
        asked.append(name)
        return made


asked = []
for turn in range(60 * ROUNDS):
    items = [Item(turn + i) for i in range(7)]
    named, fixed, slotted = Named(f"n{turn}", items), Fixed(items[:4]), Slotted(range(100, 80, -3))
    slotted.name = turn
    slotted -= {100, 94}
    named.discard(items[2])
    named.itself = named
    table = {fixed: 1, Fixed([]): 2}
    seen = iter(named)
    first = next(seen).number
    checkpoint()
    row = [first, *(item.number for item in seen)], [item.number for item in named], list(slotted)
    row += named.name, fixed.name, slotted.name, named.itself is named, table[fixed], table[Fixed([])]
    checkpoint()
    row += items[5] in named, items[2] in named, len(fixed | named), type(fixed & named).__name__
    if turn % 10 == 0:
        print(*row, len(asked), asked[-5:])
