"""Objects hashed by identity are found again in their sets and dicts; sharing is kept."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Thing:
    def __init__(self, number):
        self.number = number


class Key:
    def __init__(self, text):
        self.text = text

    def __hash__(self):
        return hash(self.text)

    def __eq__(self, other):
        return self.text == other.text


things = [Thing(i) for i in range(100)]
group = set(things)
owner = {thing: thing.number for thing in things}
keyed = {Key(f"k{i}"): i for i in range(50)}
shared = [things[0]]
pair = (shared, {"again": shared})


def holder(mine):
    checkpoint()
    mine.append(len(mine))
    assert mine is shared and pair[1]["again"] is mine
    return mine


ring = []
ring.append(ring)
head = tail = ["end", None]
for i in range(2000):
    head = [i, head]
for turn in range(60 * ROUNDS):
    for number, thing in enumerate(things):
        assert thing in group and owner[thing] == number
    checkpoint()
    group.discard(things[turn % 100])
    checkpoint()
    group.add(things[turn % 100])
    walked = []
    for thing in group:
        walked.append(thing.number)
    checkpoint()
    assert sorted(walked) == list(range(100))
    assert keyed[Key(f"k{turn % 50}")] == turn % 50
    mine = holder(shared)
    assert ring[0] is ring and things[0] is shared[0]
    length, link = 0, head
    while link[1] is not None:
        length, link = length + 1, link[1]
    assert link is tail
    if turn % 20 == 0:
        print(turn, len(mine), length, len(keyed))
