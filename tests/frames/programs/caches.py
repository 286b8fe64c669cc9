"""lru_cache, cache, cached_property keep their entries and statistics."""
import functools
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
computed = 0


@functools.lru_cache(maxsize=50)
def slow(n):
    global computed
    computed += 1
    total = 0
    for i in range(20):
        total += i * n
    return total


@functools.cache
def stirling(n, k):
    if n == k:
        return 1
    if k == 0 or k > n:
        return 0
    return k * stirling(n - 1, k) + stirling(n - 1, k - 1)


@functools.lru_cache(maxsize=3)
def climbing(n):
    checkpoint()
    return 1 if n < 2 else climbing(n - 1) + climbing(n - 2)


@functools.lru_cache(maxsize=0)
def never_kept(*parts):
    checkpoint()
    return len(parts)


@functools.cache
def again(n, depth=0):
    """Called with the same arguments while it runs: there by then, and refused."""
    attempt()
    if depth == 0 and not entered:
        entered.append(n)
        again(n, depth)
        attempt()
        entered.clear()
    return n * 2


entered = []


class Shape:
    def __init__(self, side):
        self.side = side

    @functools.cached_property
    def area(self):
        attempt()
        return self.side * self.side

    @functools.lru_cache(maxsize=None)
    def scaled(self, by):
        checkpoint()
        return self.side * by


shapes = [Shape(i) for i in range(40)]
for turn in range(4000 * ROUNDS):
    value = slow(turn * turn % 71)
    area = shapes[turn % 40].area + shapes[turn % 40].scaled(turn % 3)
    if turn % 200 == 0:
        checkpoint()
    if turn % 800 == 0:
        print(turn, value, area, slow.cache_info(), stirling(20, 7))
print(computed, slow.cache_info(), Shape.scaled.cache_info(), stirling.cache_info())
for turn in range(3):
    print(climbing(9 + turn), climbing.cache_info(), never_kept(turn, 2), never_kept.cache_info())
    print(list(map(climbing, range(turn, turn + 3))))
    print(again(turn), again(turn), again.cache_info())
climbing.cache_clear()
print(climbing(6), climbing.cache_info())
print(sum(["area" in shape.__dict__ for shape in shapes]))
