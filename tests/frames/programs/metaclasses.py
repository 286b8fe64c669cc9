"""Slots, metaclasses, descriptors, __init_subclass__ and __set_name__ run their hooks once only."""
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
hooks = []


class Registry(type):
    known = {}

    def __new__(mcs, name, bases, namespace, **options):
        attempt()
        hooks.append(f"new {name}")
        cls = super().__new__(mcs, name, bases, namespace)
        cls.options = options
        mcs.known[name] = cls
        return cls

    def __init__(cls, name, bases, namespace, **options):
        attempt()
        super().__init__(name, bases, namespace)

    def __call__(cls, *args):
        checkpoint()
        instance = super().__call__(*args)
        cls.made = getattr(cls, "made", 0) + 1
        return instance

    def __len__(cls):
        return cls.made


class Field:
    def __set_name__(self, owner, name):
        hooks.append(f"field {owner.__name__}.{name}")
        self.slot = "_" + name

    def __get__(self, instance, owner):
        attempt()
        return self if instance is None else getattr(instance, self.slot)

    def __set__(self, instance, value):
        attempt()
        setattr(instance, self.slot, int(value))


class Base(metaclass=Registry):
    def __init_subclass__(cls, **options):
        attempt()
        hooks.append(f"subclass {cls.__name__}")
        super().__init_subclass__()


class Cell(Base):
    __slots__ = ("_value", "next")
    value = Field()

    def __init__(self, value):
        checkpoint()
        self.value = value
        self.next = None


class Other(Base, colour="red"):
    value = Field()


head = None
for turn in range(700 * ROUNDS):
    cell = Cell(turn)
    cell.next, head = (head if turn % 50 else None), cell
    if turn % 100 == 99:
        cls = Registry(f"Made{turn}", (Base,), {"value": Field()}, turn=turn)
        made = cls()
        made.value = "12"
        length, walk = 0, head
        while walk is not None:
            length, walk = length + walk.value, walk.next
        print(turn, len(Cell), cls.options, made.value, length)
print(*hooks)
print(sorted(Registry.known), Other.options, type(Other) is Registry, Cell.value.slot)
try:
    head.missing = 1
    print("has a dict", sorted(head.__dict__))
except AttributeError as error:
    print("no dict", error)
