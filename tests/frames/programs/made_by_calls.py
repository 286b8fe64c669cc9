"""What the program's own functions make, wherever it may be, and whatever these functions use."""
import collections
import copyreg
import functools
import sys
import types
import weakref

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
things = []


class Settings:
    def __init__(self, unit):
        self.unit, self.table = unit, {"half": 0.5, "double": 2}

    def scale(self, number):
        return number * self.table["double"]


class Thing:
    limit = 100
    kinds = {"small": range(0, 10), "large": range(10, 100)}

    def __init__(self, size, *parts):
        self.size = min(size, Thing.limit)
        self.scaled = settings.scale(self.size)
        self.kind = next(name for name, sizes in Thing.kinds.items() if self.size in sizes)
        self.parts = [known.get(part, part) for part in parts]
        self.unit = unit_of(self)

    def __reduce__(self):
        return Thing, (self.size, *self.parts)

    def __repr__(self):
        return f"Thing({self.size}, {self.scaled}, {self.kind}, {self.unit}, {self.parts})"

    def double(self):
        return self.scaled


def logged(function):
    calls = []

    @functools.wraps(function)
    def call(thing):
        calls.append(thing.size)
        return function(thing)

    call.calls, call.first = calls, Thing
    return call


@logged
def unit_of(thing):
    return settings.unit


settings = Settings("m")
known = {"a": "A"}
Thing.unit_thing = Thing(1)
known["unit"] = Thing.unit_thing


class Pair(collections.namedtuple("Pair", "left right")):
    def __new__(cls, left, right):
        return super().__new__(cls, left, right or Thing.unit_thing)

    def __getnewargs__(self):
        return self.left, self.right


class Bag(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, (value, settings.scale(1)))

    def __reduce__(self):
        return Bag, (), None, None, iter([(key, value) for key, (value, _) in self.items()])


class Row(list):
    def append(self, item):
        super().append((len(self), item))

    def extend(self, items):
        for item in items:
            self.append(item)

    def __reduce__(self):
        return Row, (), {"name": self.name}, iter([item for _, item in self])


class Key:
    __slots__ = ("name", "thing", "__weakref__")

    def __init__(self, name, thing):
        self.name, self.thing = name, thing

    def __getstate__(self):
        return self.name, self.thing

    def __setstate__(self, state):
        self.name, self.thing = state
        settings.scale(self.thing.size)

    def __hash__(self):
        return hash(self.name)

    def __eq__(self, other):
        return self.name == other.name


class Point:
    def __init__(self, x, y=0):
        self.x, self.y = x, y


def point_at(x, y):
    return Point(x, settings.scale(y) // 2)


copyreg.pickle(Point, lambda point: (point_at, (point.x, point.y)))


class Tree:
    """Children are made with it, and get to know it by its state."""

    def __init__(self, name, children=()):
        self.name, self.children, self.parent = name, list(children), None
        for child in self.children:
            child.parent = self

    def __reduce__(self):
        return Tree, (self.name, tuple(self.children))

    def __repr__(self):
        return f"{self.name}<{self.parent and self.parent.name}{self.children}"


class Plain:
    pass


def counting(thing=Thing(3), *, other=Thing(4)):
    total = thing.size
    while True:
        sent = yield total
        total += other.size + (sent or 0)


def build():
    thing, plain = Thing(20, "a", "unit", "b"), Plain()
    row, bag = Row(), Bag()
    row.name = Thing(5)
    row.extend([thing, row.name])
    bag["thing"], bag["row"] = thing, row
    plain.thing, plain.number, plain.pair = thing, 7, Pair(thing, None)
    plain.own_dict = vars(plain)
    keys = {Key("one", thing): thing, Key("two", row.name): plain}
    members = frozenset([thing, row.name])
    error = ValueError(thing, [row])
    running = counting(Thing(6))
    next(running)
    tree = Tree("root", [Tree("left", [Tree("leaf")]), Tree("right")])
    default = collections.defaultdict(list, {thing.size: [thing]})
    ordered = collections.OrderedDict([(row.name, 1), (thing, 2)])
    queue = collections.deque([thing, Thing(8)], 5)
    partial = functools.partial(Thing, 9, thing)
    method = thing.double
    weak = weakref.WeakValueDictionary({"thing": thing})
    space = types.SimpleNamespace(thing=thing, point=Point(1, 2))

    def closure():
        return thing, row.name

    @functools.lru_cache(None)
    def cached(number):
        return Thing(number)

    cached(11)
    return locals()


def show(made):
    thing = made["thing"]
    print(thing, made["row"], made["row"].name is made["row"][1][1], made["row"][0][1] is thing)
    print(made["bag"], made["bag"]["thing"][0] is thing, made["plain"].thing is thing)
    plain, pair = made["plain"], made["plain"].pair
    print(plain.number, pair, pair.left is thing, pair.right is Thing.unit_thing, plain.own_dict is vars(plain))
    keys = made["keys"]
    print([(key.name, key.thing is thing) for key in keys], keys[Key("one", None)] is thing)
    print(len(made["members"]), thing in made["members"], made["error"].args[0] is thing)
    print(made["running"].send(2), made["tree"], made["tree"].children[0].parent is made["tree"])
    print(made["default"][20][0] is thing, list(made["ordered"].values()), made["queue"])
    print(made["partial"]().parts, made["method"](), made["method"].__self__ is thing)
    print(made["weak"]["thing"] is thing, made["space"].thing is thing, vars(made["space"].point))
    print(made["closure"]()[0] is thing, made["cached"](11) is made["cached"](11), made["cached"].cache_info())
    print(len(unit_of.calls), unit_of.first is Thing, known["unit"] is Thing.unit_thing, len(things))


for turn in range(ROUNDS):
    made = build()
    things.append(made["thing"])
    checkpoint()
    show(made)
    checkpoint()
    show(made)
    made["plain"].__dict__ = {**vars(made["plain"])}
    made["plain"].own_dict = vars(made["plain"])
    things[-1].parts.append(made["tree"])
    checkpoint()
    show(made)
    things.clear()
