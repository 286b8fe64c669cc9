"""Class bodies that run loops and calls, nested classes, __class__ cells and __prepare__."""
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Ordered(type):
    @classmethod
    def __prepare__(mcs, name, bases):
        attempt()
        return {"prepared": name}


def table(n):
    attempt()
    return [i * n for i in range(5)]


def make(n):
    class Outer(metaclass=Ordered):
        """Made in a function."""

        rows = []
        for i in range(6):
            rows.append(table(i))
            attempt()

        class Inner:
            total = 0
            for row in table(n):
                total += row
            attempt()
            if total > 100:
                big = True

        def name(self):
            checkpoint()
            return __class__.__name__, n

        try:
            undefined
        except NameError:
            attempt()
            caught = True
        names = sorted(locals())

    return Outer


for turn in range(200 * ROUNDS):
    made = make(turn)
    if turn % 40 == 0:
        print(made.prepared, made.Inner.total, hasattr(made.Inner, "big"), made().name(), made.names)
        print(made.__qualname__, made.Inner.__qualname__, made.__doc__, made.rows[5])
