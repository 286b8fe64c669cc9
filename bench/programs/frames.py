"""Prints the seconds to read the stack at DEPTH frames; resumed, those to rebuild it."""

import sys

import elsewhere
from elsewhere._elsewhere import measure_frames

sys.setrecursionlimit(100_000)
depth, file = int(sys.argv[1]), sys.argv[2]


def bottom():
    captured, _ = measure_frames(50)
    print(measure_frames(1)[1] if elsewhere.snapshot(file) else captured)


def down(n, first, second):
    if n == 0:
        return bottom()
    return down(n - 1, n, first)


down(depth, None, None)
