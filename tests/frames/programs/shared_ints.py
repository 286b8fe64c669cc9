"""Ints that several refer to stay one object for all of them, and equal ones stay apart."""

import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Holder:
    pass


def fresh(number):
    return int(str(number))


def at_work(given):
    mine, holder, twin = given, Holder(), fresh(given)
    holder.number = mine
    table = {mine: [mine], "twin": (twin, twin)}
    checkpoint()
    same = [mine is given, holder.number is mine, table[mine][0] is mine, next(iter(table)) is mine]
    apart = [twin is mine, table["twin"][0] is twin, table["twin"][1] is twin]
    return same, apart


numbers = [
    fresh(number) for number in (-5, 0, 256, 257, -6, 1024, 1025, 10**6, -(2**59), 2**60, -(10**40))
]
again, sorted_by = list(numbers), sorted(numbers)
for turn in range(300 * ROUNDS):
    number = numbers[turn % len(numbers)]
    if turn % 30 == 0:
        same, apart = at_work(number)
        print(number, same, apart if not -6 < number < 1025 else "")
    assert all(a is b for a, b in zip(numbers, again))
    assert all(any(a is b for b in numbers) for a in sorted_by)
print(sum(numbers))
