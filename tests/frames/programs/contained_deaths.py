"""__del__, left inside of it, of what dies with a list, tuple, dict or instance that has held it."""
import gc
import sys
import weakref

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []


class Mortal:
    def __init__(self, name, last=checkpoint):
        self.name = name
        self.last = last
        self.reference = weakref.ref(self, lambda gone: log.append(f"{name} is gone: {gone() is None}"))

    def __del__(self):
        log.append(f"{self.name} dies")
        caller = sys._getframe(1).f_code.co_name
        self.last()
        log.append(f"{self.name} is dead, as {caller} says: {self.reference() is self}, {gc.is_finalized(self)}")


class Last(Mortal):
    """Holds others, which die behind it."""

    def __init__(self, name):
        super().__init__(name)
        self.others = [Mortal(f"{name}'s other {i}", attempt) for i in range(2)]


class Quiet:
    """Notes its end, and is never left."""

    def __init__(self, name):
        self.name = name

    def __del__(self):
        log.append(f"quiet {self.name}")


class Holder:
    pass


class Keeper:
    pass


class Slotted:
    __slots__ = ("a", "b")


class Key(Quiet):
    pass


def three(n, what, last=checkpoint):
    return [Mortal(f"{what} {n}{i}", last) for i in range(3)]


def lists(n):
    x = [*three(n, "list"), Quiet(n)]
    x = n
    y = three(n, "deleted list")
    del y
    z = [Quiet(n), Mortal(f"between {n}"), Quiet(n)]
    z = n
    [Mortal(f"expression {n}")]
    same = Mortal(f"twice {n}")
    twice = [Quiet(n), same, Quiet(n), same]
    del same
    twice = n
    return x, z


def tuples(n):
    x = (Quiet(n), *three(n, "tuple"))
    x = n
    y = (n, Last(f"last {n}"), Mortal(f"beside {n}"))
    y = n
    return x


def dicts(n):
    x = dict(enumerate(three(n, "dict")))
    x = n
    y = {Key(f"{n}a"): Mortal(f"value {n}"), Key(f"{n}b"): Quiet(n), "c": Mortal(f"another {n}")}
    del y["c"]
    y["d"] = Mortal(f"the last {n}")
    y = n
    return x


def instances(n):
    x = Holder()
    x.a, x.b, x.c = three(n, "attribute", attempt)
    x = n
    y = Holder()
    y.only = Mortal(f"only {n}", attempt)
    del y
    z = Holder()
    z.quiet, z.mortal, z.other = Quiet(n), Mortal(f"inside {n}", attempt), Quiet(-n)
    reference = weakref.ref(z, lambda gone: log.append("the holder is gone"))
    z = n
    log.append(reference())
    return x


def with_dicts(n):
    x = Holder()
    x.a, x.b, x.c = (Mortal(f"in the dict {n}{i}", attempt) for i in range(3))
    x.__dict__
    x = n
    y = Holder()
    y.__dict__ = {"a": Quiet(n), "b": Mortal(f"in another dict {n}", attempt), "c": Quiet(-n)}
    y = n
    z = Slotted()
    z.a, z.b = Mortal(f"slot {n}", attempt), Mortal(f"another slot {n}", attempt)
    z = n


def local_class(n):
    class Own:
        note = Quiet(f"of a class {n}")

    x = Own()
    x.a, x.b = Mortal(f"the last of its class {n}", attempt), Quiet(n)
    del Own
    x = n
    gc.collect()
    return x


def nested(n):
    x = [Quiet(n), [Mortal(f"nested {n}"), Quiet(-n)], Mortal(f"beside it {n}")]
    x = n
    y = Keeper()
    y.items = {"a": (Mortal(f"deep {n}", attempt), Quiet(n)), "b": Mortal(f"behind it {n}", attempt)}
    y.other = Quiet(-n)
    y = n
    deep = Mortal(f"at the bottom {n}", attempt)
    for i in range(300):
        deep = [Quiet(i), deep] if i % 150 == 0 else [deep]
    deep = n
    return x


def attributes(n, holder, row, table):
    holder.a = [Mortal(f"of an attribute {n}"), Quiet(n)]
    holder.a = n
    row[0] = (Quiet(n), Mortal(f"of an item {n}"))
    row[0] = n
    table["a"] = [Mortal(f"of a dict's item {n}")]
    del table["a"]


def returned(n):
    x = [Mortal(f"left in a list {n}"), Quiet(n)]
    y = Quiet(-n)
    return n


def other_containers(n):
    x = {Mortal(f"set {n}", attempt)}
    x = n
    y = Mortal(f"method {n}", attempt).__init__
    y = n
    z = [Mortal(f"cleared {n}{i}", attempt) for i in range(2)]
    z.clear()
    z += [Mortal(f"popped {n}{i}", attempt) for i in range(4)]
    z.pop()
    del z[:2]
    w = (lambda x=Mortal(f"default {n}", attempt): x)
    w = n


def show(*what):
    global log
    print(*what, *log, sep="\n  ")
    log = []


for turn in range(3 * ROUNDS):
    show(lists(turn), tuples(turn))
    show(dicts(turn), instances(turn))
    show(with_dicts(turn), local_class(turn))
    show(nested(turn))
    show(attributes(turn, Holder(), [None], {}), returned(turn))
    show(other_containers(turn))
