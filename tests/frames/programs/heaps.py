"""Heaps and sorted lists whose items compare in Python, or have keys that Python makes."""
import bisect
import heapq
import sys
from dataclasses import dataclass

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
asked = []


class Job:
    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        asked.append((self.n, other.n))
        checkpoint()
        return self.n < other.n

    def __repr__(self):
        return f"J{self.n}"


class Shy:
    """Leaves it to the other one."""

    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        asked.append(("shy", self.n))
        checkpoint()
        return NotImplemented

    def __gt__(self, other):
        asked.append(("gt", self.n))
        checkpoint()
        return self.n > other.n


class Above(Job):
    """Of a subclass: asked first."""

    def __gt__(self, other):
        asked.append(("above", self.n))
        checkpoint()
        return self.n > other.n


class Polite(Job):
    """Among tuples, which C compares item by item."""

    def __lt__(self, other):
        attempt()
        return self.n < other.n


@dataclass(order=True)
class Task:
    priority: int
    name: str


class Meddling(Job):
    def __lt__(self, other):
        checkpoint()
        heap.append(self)
        return super().__lt__(other)


class Failing(Job):
    def __lt__(self, other):
        checkpoint()
        raise LookupError(self.n)


def key(value):
    asked.append(value)
    checkpoint()
    return -value


def some(n, turn):
    return [(i * 7 + turn) % 11 for i in range(n)]


def numbers(heap):
    return [item.n for item in heap]


for turn in range(2 * ROUNDS):
    heap = []
    for n in some(8, turn):
        heapq.heappush(heap, Job(n) if n % 3 else Above(n))
    row = [numbers(heap), heapq.heappushpop(heap, Job(4)).n, heapq.heapreplace(heap, Job(5)).n]
    row.append([heapq.heappop(heap).n for _ in range(len(heap))])
    heap = [Job(n) for n in some(9, turn)]
    heapq.heapify(heap)
    row.append(numbers(heap))
    shy = [Shy(n) for n in some(5, turn)]
    heapq.heapify(shy)
    row.append(numbers(shy))
    tasks = []
    for n in some(5, turn):
        heapq.heappush(tasks, Task(n % 3, f"t{n}"))  # compares tuples, with strings in them
    row.append(heapq.heappop(tasks).name)
    row.append(numbers(heapq.nsmallest(3, [Polite(n) for n in some(7, turn)])))
    row.append(heapq.nlargest(3, some(7, turn), key=key))
    row.append(list(heapq.merge(some(2, 0), some(2, 1), key=key)))
    for names in ("heapify_max", "heappop_max"):
        function = getattr(heapq, names, None) or getattr(heapq, f"_{names}")
        largest = [Job(n) for n in some(6, turn)]
        heapq._heapify_max(largest) if hasattr(heapq, "_heapify_max") else None
        result = function(largest)
        row.append((result and result.n, numbers(largest)))
    heap = [Job(n) for n in some(4, turn)]
    for culprit in (Meddling(-1), Failing(-2)):
        try:
            heapq.heappush(heap, culprit)
        except (LookupError, RuntimeError) as error:
            row.append((repr(error), numbers(heap)))
    ordered = [Job(n) for n in (1, 3, 3, 5, 8)]
    row.append((bisect.bisect_left(ordered, Job(3)), bisect.bisect(ordered, Job(3), 1, hi=4)))
    bisect.insort(ordered, Job(4))
    bisect.insort_left(ordered, Above(3))
    row.append(numbers(ordered))
    row.append(bisect.bisect_right([Shy(n) for n in (1, 3, 5)], Shy(4)))
    if sys.version_info >= (3, 10):
        falling = [9, 7, 5, 3, 1]
        row.append(bisect.bisect_left(falling, -5, key=key))
        bisect.insort_right(falling, 6, key=key)
        row.append(falling)
        row.append(bisect.bisect_right(ordered, Job(4), lo=1, key=lambda job: job))
    try:
        bisect.bisect(ordered, Job(9), 0, 20)
    except IndexError as error:
        row.append(repr(error))
    print(turn, *row, len(asked), sep="\n  ")
    print(asked[-30:])
    asked.clear()
if ROUNDS > 1:
    large = [Job(n * 7919 % 3001) for n in range(2600)]
    heapq.heapify(large)
    print([heapq.heappop(large).n for _ in range(3)], len(asked), sum(a for a, _ in asked))
