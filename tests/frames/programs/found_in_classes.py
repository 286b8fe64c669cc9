# needs 3.9
"""Objects that say how a function finds them in their class, which comes with them."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Color:
    made = 0

    def __init__(self, name):
        Color.made += 1
        self.name = name

    def __reduce__(self):
        return getattr, (Color, self.name)


Color.RED, Color.BLUE = Color("RED"), Color("BLUE")


def found(key, kind):
    print("called")  # where classes are known by name, this would find it
    return getattr(kind, key)


class Field:
    __slots__ = ("key", "owner", "values", "empty")

    def __init__(self, key):
        self.key, self.values = key, []

    def __set_name__(self, owner, name):
        self.owner = owner

    def __get__(self, instance, owner=None):
        return self if instance is None else self.values

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return f"no {name}"

    def __reduce__(self):
        return found, (self.key, self.owner)


class Table:
    first = Field("first")
    second = Field("second")
    fields = {"first": first, "second": second}


def asked(table):
    table.first.append(len(table.second))
    checkpoint()
    try:
        filled = Field.empty.__get__(Table.first)
    except AttributeError:
        filled = None
    return Table.first is Table.fields["first"], Table.first.owner is Table, Table.first.empty, filled


for _ in range(ROUNDS):
    shades = [Color.RED, Color.BLUE, Color.RED]
    checkpoint()
    print(shades[0] is Color.RED is shades[2], shades[1] is Color.BLUE, Color.RED.name, Color.made)
    print(asked(Table()), Table.first.values, [Table.__dict__[name].key for name in Table.fields])
