"""Loops and calls that are repeated until a JIT compiles them, left in the midst of it."""
import os
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
TURNS = 12_000  # CPython 3.14 compiles a loop after some 4,000
LOG = os.environ.get("HOT_LOOPS_LOG")  # gets the share of turns that ran in compiled code
compiled = sys._jit.is_active if LOG else lambda: False


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def moved(self, by):
        return Point(self.x + by, self.y * 31 & 0xFFFF)


def at_times(turn):
    if turn % 3000 == 2999:
        checkpoint()
    return turn & 1


def arithmetic():
    total, real, fast = 0, 1.0, 0
    for turn in range(TURNS):
        total = (total * 3 + turn) & 0xFFFFFF
        real = real * 0.75 + (turn - at_times(turn)) / 3
        fast += compiled()
    return total, real, fast


def objects():
    point, seen, fast = Point(0, 1), [], 0
    for turn in range(TURNS):
        point = point.moved(at_times(turn) + 1)
        seen.append((point.x, point))
        if len(seen) > 50:
            seen.clear()
        fast += compiled()
    return point.x, point.y, [(x, point.y) for x, point in seen], fast


def numbers(turns):
    for turn in range(turns):
        yield turn, at_times(turn)


def generated():
    odd, fast = {}, 0
    for turn, bit in numbers(TURNS):
        odd[turn % 7] = odd.get(turn % 7, 0) + bit
        fast += compiled()
    return odd, fast


def handled():
    turn = caught = fast = 0
    table = {"even": 1}
    while turn < TURNS:
        try:
            caught += table["odd" if at_times(turn) else "even"]
        except KeyError as error:
            caught += len(error.args)
        finally:
            turn += 1
        fast += compiled()
    return caught, fast


def fibonacci(n):
    if n == 3:
        at_times(2999 if n * fibonacci.calls % 1000 == 999 else 0)
        fibonacci.calls += 1
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


for round in range(ROUNDS):
    fibonacci.calls = 0
    print(round, fibonacci(17), fibonacci.calls)
    fast = []
    for loop in [arithmetic, objects, generated, handled]:
        *results, turns = loop()
        print(loop.__name__, *results)
        fast.append(turns / TURNS)
    if LOG:
        with open(LOG, "a") as log:
            print(*fast, file=log)
