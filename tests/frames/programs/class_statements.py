"""Class statements whose metaclass makes the namespace in Python: enumerations, ABCs, own ones."""
import abc
import enum
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Order(dict):
    def __setitem__(self, name, value):
        self.setdefault("order", []).append(name) if not name.startswith("__") else None
        super().__setitem__(name, value)


class Meta(type):
    @classmethod
    def __prepare__(cls, name, bases, **options):
        checkpoint()
        return Order(prepared=name)

    def __new__(cls, name, bases, namespace, **options):
        checkpoint()
        made = super().__new__(cls, name, bases, dict(namespace))
        made.options = options
        return made

    def __init__(cls, name, bases, namespace, **options):
        attempt()
        super().__init__(name, bases, namespace)


class Noted:
    def __set_name__(self, owner, name):
        attempt()
        self.name = name


class Base:
    def __init_subclass__(cls, **options):
        attempt()
        super().__init_subclass__()
        cls.from_hook = sorted(options)


def colours(turn):
    class Colour(enum.Enum):
        RED = 1
        checkpoint()
        GREEN = turn + 1
        BLUE = enum.auto()
        checkpoint()

        def shout(self):
            return self.name + "!"

        @property
        def low(self):
            checkpoint()
            return self.name.lower()

    return Colour


def flags():
    class Access(enum.IntFlag):
        READ = enum.auto()
        checkpoint()
        WRITE = enum.auto()
        BOTH = READ | WRITE

    return Access


def own(turn):
    class Own(Base, metaclass=Meta, size=turn, checked=checkpoint()):
        first = 1
        checkpoint()
        noted = Noted()

        class Inner(enum.Enum):
            A = "a"
            checkpoint()

        def method(self):
            return __class__.__name__

        checkpoint()

    return Own


def abstract():
    class Shape(abc.ABC):
        checkpoint()

        @abc.abstractmethod
        def area(self):
            """Of the shape."""

        checkpoint()

    class Square(Shape):
        side = 2
        checkpoint()

        def area(self):
            return self.side**2

    return Shape, Square


def failing():
    found = []
    for bases in ((int, str), (bool,)):
        try:

            class Wrong(*bases):
                checkpoint()

        except TypeError as error:
            found.append(str(error))
    try:

        class Conflict(own(0), abc.ABC):
            checkpoint()

    except TypeError as error:
        found.append(str(error))
    try:

        class Raising(metaclass=Meta):
            checkpoint()
            raise LookupError("in the body")

    except LookupError as error:
        found.append(str(error))
    return found


for turn in range(20 * ROUNDS):
    Colour, Access, Own = colours(turn + 1), flags(), own(turn)
    Shape, Square = abstract()
    row = (
        [c.value for c in Colour],
        Colour.GREEN.low,
        Colour("x").name if False else Colour.RED.shout(),
        Access.BOTH == Access.READ | Access.WRITE,
        Own.order,
        Own.options,
        Own.noted.name,
        Own.from_hook,
        Own().method(),
        Own.Inner.A.value,
        Square().area(),
        Shape.__abstractmethods__,
        failing(),
    )
    checkpoint()
    if turn % 5 == 0:
        print(turn, *row, sep="\n  ")
