"""Every kind of parameter, and calls that unpack into them."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def everything(a, b=2, /, c=3, *rest, d, e=5, **others):
    checkpoint()
    total = 0
    for x in (a, b, c, d, e, *rest, *others.values()):
        total += x
    return a, b, c, rest, d, e, dict(sorted(others.items())), total


def passed_on(*args, **kwargs):
    return everything(*args, **kwargs, z=26)


def defaults(item, seen=[]):
    seen.append(item)
    del seen[:-3]
    checkpoint()
    return list(seen)


def number(n):
    checkpoint()
    return n


def method_calls(n):
    return "{0}-{name}".format(number(n), name=number(n + 1)), dict(a=number(1), **{"b": number(2)})


for turn in range(1500 * ROUNDS):
    row = everything(turn, d=number(4))
    more = passed_on(1, *[number(2), 3], *range(turn % 4), d=number(turn), **{"y": number(25)})
    if turn % 300 == 0:
        print(row, more, defaults(turn), method_calls(turn))
    else:
        defaults(turn)
print("done", everything.__kwdefaults__, everything.__defaults__, defaults.__defaults__)
