"""Sets and dicts of strings are walked in the order they had before the suspend."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

names = {f"name{i}" for i in range(300)}
for i in range(0, 300, 7):
    names.discard(f"name{i}")
mixed = frozenset([("t", i) for i in range(50)] + [b"%d" % i for i in range(20)] + [True, 1.5, -2])  # None hashes by address before 3.12
order, other = list(names), list(mixed)
for turn in range(15 * ROUNDS):
    walked = []
    for name in names:
        if len(walked) % 29 == 0:
            checkpoint()
        walked.append(name)
    assert walked == order
    walked = []
    for member in mixed:
        checkpoint()
        walked.append(member)
    assert walked == other
    extra = set(walked)
    extra.pop()
    checkpoint()
    assert hash(order[0]) == hash(str(order[0])) and order[0] in names and len(extra) == len(mixed) - 1
    print(turn, len(names), len(mixed), min(names), names > {"name1", "name299"})
