"""One kind of work for a while: work.py KIND ROUNDS; prints the seconds it took."""

import sys
import time


def loop(rounds):
    total = 0
    for i in range(rounds * 2_000):
        total = (total * 31 + i) & 0xFFFFFF
    return total


def calls(rounds):
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    total = 0
    for _ in range(rounds):
        total += fibonacci(14)
    return total


def text(rounds):
    counts = {}
    for i in range(rounds * 300):
        for word in f"{i} the quick {i % 97} brown {i % 13} fox".split():
            counts[word] = counts.get(word, 0) + 1
    return len(counts)


def numbers(n):
    while n:
        yield n
        n -= 1


def generators(rounds):
    total = 0
    for _ in range(rounds):
        for n in numbers(2_000):
            total += n
    return total


def objects(rounds):
    class Point:
        def __init__(self, x, y):
            self.x = x
            self.y = y

        @property
        def size(self):
            return self.x * self.x + self.y * self.y

    total = 0
    for i in range(rounds * 500):
        total += Point(i, total & 7).size
    return total


KINDS = {work.__name__: work for work in (loop, calls, text, generators, objects)}
work, rounds = KINDS[sys.argv[1]], int(sys.argv[2])
work(rounds // 10 + 1)
began = time.perf_counter()
work(rounds)
print(time.perf_counter() - began)
