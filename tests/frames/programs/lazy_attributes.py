"""What is made at the first use and put where it is found the next time, left when it is there."""
import functools
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Lazy:
    """A descriptor that the instance's own attribute replaces."""

    def __init__(self, function):
        self.function = function

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner):
        value = self.function(instance)
        instance.__dict__[self.name] = value
        # Where there is __getattr__, C would ask it if this failed.
        attempt() if hasattr(type(instance), "__getattr__") else checkpoint()
        return value




class Table(dict):
    def __missing__(self, key):
        checkpoint()
        self[key] = value = [key]
        checkpoint()
        return value


class Thing:
    def __init__(self, size):
        self.size = size
        self.asked = []

    @Lazy
    def area(self):
        checkpoint()
        return self.size * self.size

    @Lazy
    def call(self):
        return lambda n: self.size + n

    @functools.cached_property
    def cached(self):
        attempt()
        return [self.size]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        self.asked.append(name)
        setattr(self, name, (name, self.size))
        checkpoint() if name == "first" else attempt()
        return getattr(self, name)


class Plain:
    size = 3

    @Lazy
    def area(self):
        return self.size

    @Lazy
    def fails(self):
        raise AttributeError("never there")


table = Table()
for turn in range(30 * ROUNDS):
    print(table[turn], table[turn] is table[turn], len(table), table["a", turn // 3])
    thing = Thing(turn)
    print(thing.area, thing.area, thing.first, thing.first, thing.cached, thing.asked)
    print([thing.call, thing][0](2), thing.call(1), len(thing.method), getattr(thing, "got", 0))
    plain = Plain()
    print(plain.area + plain.area, vars(plain))
    try:
        print(plain.fails)
    except AttributeError as error:
        checkpoint()
        print(error)
