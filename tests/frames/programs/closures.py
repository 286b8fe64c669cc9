"""Closures share their cells: nonlocal, factories, late binding, cells of unfinished frames."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def counter(start=0):
    count = start

    def up(by=1):
        nonlocal count
        checkpoint()
        count += by
        return count

    def read():
        return count

    return up, read


def compose(*functions):
    def composed(x):
        for function in functions:
            x = function(x)
        return x

    return composed


def late():
    makers = []
    for i in range(4):
        makers.append(lambda: i * 10)
    early = [lambda i=i: i * 10 for i in range(4)]
    checkpoint()
    return [f() for f in makers], [f() for f in early]


def unfinished(n):
    def see():
        return value, later

    value = n
    checkpoint()
    try:
        see()
    except NameError as error:
        first = str(error)
    later = n + 1
    checkpoint()
    return first, see()


def three(x):
    def two(y):
        def one(z):
            nonlocal x, y
            x += z
            y -= z
            checkpoint()
            return x, y, z

        return one

    return two


up, read = counter(100)
pipeline = compose(lambda x: x + 1, lambda x: x * 2, up)
deep = three(1)(2)
for turn in range(2500 * ROUNDS):
    value = pipeline(turn % 9)
    other = deep(turn % 5)
    assert read() == value
    if turn % 500 == 0:
        print(value, other, late(), unfinished(turn))
print(read(), deep(0), up.__closure__[0].cell_contents is read.__closure__[0].cell_contents)
print(up.__closure__[0] is read.__closure__[0])
