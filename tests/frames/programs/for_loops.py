"""Loops over every builtin kind of iterable stand at any element."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def countdown(n):
    while n:
        yield n
        n -= 1


def loops(size):
    seen = []
    for x in [1, 2, 3] * size:
        seen.append(x)
    checkpoint()
    for x in (4, 5) * size:
        seen.append(x)
    for x in range(size, -size, -3):
        checkpoint()
        seen.append(x)
    for x in range(10**20, 10**20 + size):
        seen.append(x % 7)
    for x in {i: -i for i in range(size)}:
        seen.append(x)
        checkpoint()
    for key, value in {str(i): i for i in range(size)}.items():
        seen.append(len(key) + value)
    for value in {i: i * i for i in range(size)}.values():
        seen.append(value)
    for x in {i * 3 for i in range(size)}:
        seen.append(x)
        checkpoint()
    for x in frozenset(range(size)):
        seen.append(x)
    for x in "naïve ☃ text" + "𝄞":
        seen.append(ord(x))
    for x in b"bytes\xff":
        seen.append(x)
    for x in bytearray(b"more"):
        seen.append(x)
        checkpoint()
    for i, x in enumerate("enumerated", start=5):
        seen.append(i * ord(x))
    for x, y, z in zip(range(size), "zip" * size, countdown(size)):
        checkpoint()
        seen.append(x + ord(y) + z)
    for x in countdown(size):
        seen.append(x)
        checkpoint()
    for x in reversed([7, 8, 9]):
        seen.append(x)
        checkpoint()
    for x in reversed({"a": 1, "b": 2}):
        seen.append(ord(x))
    for x in memoryview(b"view"):
        seen.append(x)
    for x in iter([6, 5, 4, 0, 9].pop, 4):
        seen.append(x)
    for x in range(size):
        for y in range(x):
            if y == 5:
                break
            seen.append(x * y)
        else:
            seen.append(-1)
    return seen


total = 0
for turn in range(30 * ROUNDS):
    seen = loops(20)
    total = (total * 31 + hash(tuple(seen))) % 1_000_003
    if turn % 10 == 0:
        print(turn, len(seen), total)
print("total", total)
