"""deque, Counter, defaultdict, OrderedDict, ChainMap, namedtuple, heapq, array and dict views."""
import array
import bisect
import collections
import heapq
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
Job = collections.namedtuple("Job", "priority name", defaults=["?"])

window = collections.deque(maxlen=7)
counts = collections.Counter()
groups = collections.defaultdict(list)
recent = collections.OrderedDict()
heap, ordered = [], []
numbers = array.array("q")
chain = collections.ChainMap({}, {"default": 1})
keys = recent.keys()
for n in range(3000 * ROUNDS):
    value = n * n % 101
    window.append(value)
    window.rotate(1)
    counts[value % 10] += 1
    groups[value % 3].append(n) if n < 50 else groups[value % 3]
    recent[value] = n
    recent.move_to_end(value, last=n % 2 == 0)
    if len(recent) > 20:
        recent.popitem(last=False)
    heapq.heappush(heap, Job(value, f"job{n}"))
    if len(heap) > 30:
        chain[heapq.heappop(heap).priority] = n
    bisect.insort(ordered, value)
    del ordered[50:]
    numbers.append(value)
    if n % 100 == 0:
        checkpoint()
    if n % 600 == 0:
        print(n, window, counts.most_common(2), heap[0], len(keys))
walked = []
for item in window:
    checkpoint()
    walked.append(item)
for item in reversed(window):
    checkpoint()
    walked.append(item)
for item in recent.items():
    checkpoint()
    walked.append(item)
print(walked, dict(groups), Job(1), window.maxlen)
print(sum(numbers), numbers[-3:], ordered[:5], len(chain), chain["default"])
print(counts - collections.Counter({1: 10_000}), sorted(keys))
