"""Sleeps are slept to their end: not cut short, not repeated."""
import sys
import time

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def nap(seconds):
    before = time.monotonic()
    time.sleep(seconds)
    assert time.monotonic() - before >= seconds * 0.99
    return seconds


def naps():
    for i in range(4):
        checkpoint()
        yield nap(0.03)


total = 0
for turn in range(3 * ROUNDS):
    for slept in naps():
        total += 1
    checkpoint()
    print(turn, total, nap(0.05), flush=True)
