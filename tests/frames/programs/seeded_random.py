"""A seeded random module and Random instances go on with the same numbers."""
import random
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

random.seed(42)
own = random.Random("own")
inside, deck = 0, list(range(52))
for turn in range(20_000 * ROUNDS):
    x, y = random.random(), own.random()
    inside += x * x + y * y < 1
    if turn % 500 == 0:
        checkpoint()
        random.shuffle(deck)
    if turn % 4000 == 0:
        print(turn, own.choice("abcdef"), deck[:5], random.gauss(0, 1), own.sample(range(99), 3))
print(4 * inside / (turn + 1), random.getrandbits(64), own.randint(1, 10**30))
