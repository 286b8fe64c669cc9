"""Classes that keep instances of their own, which have their own way to be pickled."""
import abc
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Money:
    limit = 9
    made = []
    by_amount = {}

    def __init__(self, amount):
        self.amount = amount if amount < Money.limit else Money.limit
        self.label = self.name()

    def name(self):
        return f"{type(self).__name__} {self.amount}"

    def __reduce__(self):
        return Money, (self.amount,)


Money.zero = Money(0)
Money.by_amount[3] = Money(3)
Money.made += [Money.zero, Money(40)]


class Shape(abc.ABC):
    known = {}

    @abc.abstractmethod
    def area(self):
        return 0

    def __getstate__(self):
        return {"half": self.side / 2}

    def __setstate__(self, state):
        self.side = state["half"] * 2
        self.text = f"{self!r} {isinstance(self, Shape)} {self.area():.1f}"


class Square(Shape):
    def __init__(self, side):
        self.side = side
        self.text = f"{self!r} True {self.area():.1f}"

    def area(self):
        return self.side**2

    def __repr__(self):
        return f"Square({self.side:.1f})"


Shape.known["two"] = Square(2)
Shape.known["three"] = (Square(3), Shape.known)


class Pooled:
    table = {}

    @classmethod
    def of(cls, name):
        return cls.table.setdefault(name, object.__new__(cls))

    def __reduce__(self):
        return Pooled.of, (next(name for name, one in self.table.items() if one is self),)


first, second = Pooled.of("first"), Pooled.of("second")
for turn in range(300 * ROUNDS):
    Money.by_amount[turn % 7] = Money(turn % 7)
    if turn % 50 == 0:
        checkpoint()
        print(turn, Money.zero.label, Money.made[0] is Money.zero, Money.made[1].amount, len(Money.made))
        print(*(one.label for one in Money.by_amount.values()), sep=", ")
        print(Shape.known["two"].text, "/", Shape.known["three"][0].text, list(Shape.__dict__)[:4])
        print(Pooled.of("first") is first, Pooled.table["second"] is second, list(Pooled.table))
        print([name for name in vars(Money) if name[0] != "_"], Shape.known["three"][1] is Shape.known)
