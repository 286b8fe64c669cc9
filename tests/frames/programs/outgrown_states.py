"""Slots and attributes that the inherited way to be pickled knows nothing of, in classes that hand out one instance for all."""
import sys
import uuid

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Basic:
    __slots__ = ("_hash", "args")
    made = {}

    def __new__(cls, *args):
        return cls.made.setdefault((cls, args), cls.fresh(*args))

    @classmethod
    def fresh(cls, *args):
        one = object.__new__(cls)
        one._hash, one.args = hash(args), args
        return one

    def __getnewargs__(self):
        return self.args

    def __getstate__(self):
        return None


class Wild(Basic):
    __slots__ = ("excluded",)

    def __new__(cls, name, excluded=()):
        one = super().__new__(cls, name) if not excluded else cls.fresh(name)
        one.excluded = excluded
        return one


class Dotted(Wild):
    __slots__ = ()


class Noted(Basic):
    pass


class NamedId(uuid.UUID):
    def __init__(self, number, name):
        super().__init__(int=number)
        object.__setattr__(self, "name", name)


noted, known = Noted("n"), NamedId(5, "five")
noted.text = [known]
x, plain, wild = Basic("x"), Wild("w"), Wild("w", excluded=[Basic("x")])
dotted = Dotted("d", excluded=(wild, plain))
for turn in range(300 * ROUNDS):
    wild.excluded.append(turn)
    if turn % 50 == 0:
        checkpoint()
        print(turn, x is Basic("x"), wild.excluded[0] is x, len(wild.excluded), plain.excluded)
        print(Noted("n").text[0] is known, known.name, known == uuid.UUID(int=5), hash(known) == hash(noted.text[0]))
        print(plain is Wild("w"), dotted.excluded[0] is wild, dotted.args, wild._hash == plain._hash)
