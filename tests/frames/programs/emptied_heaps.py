"""Heaps and sorted lists that lose their items, or get others, while these are being compared."""
import bisect
import heapq
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Job:
    def __init__(self, n, meddle):
        self.n, self.meddle = n, meddle

    def __lt__(self, other):
        self.meddle()
        checkpoint()
        return self.n < other.n

    def __repr__(self):
        return f"J{self.n}"


def empty():
    del heap[:]


def exchange():
    heap[:] = [Job(-item.n, int) if item.n > 0 else item for item in reversed(heap)]


def key(value):
    del values[:]
    checkpoint()
    return -value


OPERATIONS = {
    "push": lambda meddle: heapq.heappush(heap, Job(-1, meddle)),
    "pushpop": lambda meddle: heapq.heappushpop(heap, Job(7, meddle)),
    "replace": lambda meddle: heapq.heapreplace(heap, Job(7, meddle)),
    "pop": lambda meddle: heapq.heappop(heap),
    "heapify": lambda meddle: heapq.heapify(heap),
}

for turn in range(ROUNDS):
    for meddle in (empty, exchange):
        for name, operation in OPERATIONS.items():
            heap = [Job(n, meddle) for n in (5, 6, 3, 1)]
            try:
                print(name, operation(meddle), heap)
            except (IndexError, RuntimeError) as error:
                print(name, repr(error), heap)
    if sys.version_info >= (3, 10):
        values = [9, 7, 5, 3, 1]
        try:
            bisect.bisect_left(values, -4, key=key)
        except IndexError as error:
            print(repr(error), values)
