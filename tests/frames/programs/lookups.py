"""Keys of dicts and members of sets that hash in Python, left inside of __hash__."""
import sys
from dataclasses import dataclass

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
hashed = []


class Key:
    def __init__(self, n):
        self.n = n
        self.loud = True

    def __hash__(self):
        if self.loud:  # a resume asks the keys that are in dicts and sets for their hashes
            hashed.append(self.n)
            checkpoint()
        return hash(self.n)

    def __eq__(self, other):
        attempt()
        return self.n == other.n

    def __repr__(self):
        return f"Key({self.n})"


class Quiet(Key):
    """Among others, or in other places, where its hash is asked for in the middle."""

    def __hash__(self):
        attempt()
        return hash(self.n)


class Default(dict):
    def __missing__(self, key):
        attempt()
        return f"no {key!r}"


@dataclass(frozen=True)
class Point:
    x: int
    y: Quiet


table = {}
members = set()
for turn in range(12 * ROUNDS):
    kept, member = Key(turn), Key(turn % 5)
    table[kept] = turn
    kept.loud = False
    table[Key(turn)] += 1
    members.add(member)
    member.loud = False
    members.discard(Key(turn % 7))
    row = [
        table[Key(turn)],
        table.get(Key(turn)),
        table.get(Key(-1), "none"),
        table.setdefault(Key(turn), 5),
        dict.get(table, Key(turn)),
        Key(turn) in table,
        Key(turn) not in members,
        Key(turn) in frozenset(members),
        Default(a=1)[Key(turn)],
        table.pop(Key(turn)),
        hash(Key(turn)),
        len({Quiet(1), Quiet(turn), Quiet(2)}),
        {Quiet(1): 1, Quiet(turn): 2}[Quiet(turn)],
        Point(turn, Quiet(turn)) in {Point(turn, Quiet(turn)): 1},
        (turn, Quiet(turn)) in {(turn, Quiet(turn)): 1},
        Quiet(turn) in [Quiet(1), Quiet(turn)],
        [Quiet(1)] == [Quiet(turn)],
        list(dict.fromkeys([Quiet(1), Quiet(turn)])),
    ]
    try:
        del table[Key(turn)]
    except KeyError as error:
        row.append(error)
    print(turn, *row, len(hashed), len(table), len(members))
print(hashed[-20:])
