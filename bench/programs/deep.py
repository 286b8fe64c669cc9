"""Takes TIMES snapshots into FILE at DEPTH frames; prints the seconds of each."""

import sys
import time

import elsewhere

sys.setrecursionlimit(100_000)
depth, times, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def bottom():
    for _ in range(times):
        began = time.perf_counter()
        if elsewhere.snapshot(file):
            return
        print(time.perf_counter() - began)


def down(n, first, second):
    if n == 0:
        return bottom()
    return down(n - 1, n, first)


down(depth, None, None)
