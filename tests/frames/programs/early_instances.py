"""Instances that a module or class has ahead of what makes them, by calls of the program's own functions."""
import collections
import dataclasses
import functools
import math
import sys
import typing

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
registry, things, keys = {}, [], set()
first = None


def helper(number):
    return math.floor(number) + OFFSETS["half"][0]


OFFSETS = {"half": (1, helper)}


class Thing:
    def __init__(self, name):
        self.name, self.size = name, helper(len(name) + 0.5)
        things.append(self)

    def __reduce__(self):
        return Thing, (self.name,)


class Key:
    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return helper(self.number)

    def __eq__(self, other):
        return type(other) is Key and self.number == other.number

    def __getstate__(self):
        return [self.number]

    def __setstate__(self, state):
        self.number = state[0] + helper(0) - 1


class Listed(type):
    made = {}

    def __call__(cls, *arguments):
        one = super().__call__(*arguments)
        cls.made.setdefault(cls.__name__, []).append(one)
        return one


class Entry(metaclass=Listed):
    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return type(self), (self.value,)


Listed.first = Entry(5)


@functools.singledispatch
def shown(one):
    return repr(one)


class Parsed:
    def __init__(self, number):
        self.number = number

    def __reduce__(self):
        return Parsed.parse, (str(self.number),)

    @staticmethod
    def parse(text):
        return Parsed(int(text))


shown.last = Parsed(4)
Parsed.known = {"three": Parsed(3)}


@shown.register(Parsed)
def _(one):
    return f"parsed {one.number}"


SLOTS = {"slots": True} if sys.version_info >= (3, 10) else {}


@dataclasses.dataclass(frozen=True, **SLOTS)
class Node:
    key: int
    children: tuple = ()
    known: typing.ClassVar = {}


node = Node(1, (Node(2),))
Node.known[node] = node
Node.known[2] = node.children[0]
SPACE = {}
exec(
    """
made = []
class Made:
    def __init__(self, n):
        self.n = doubled(n) // k
    def __reduce__(self):
        return Made, (self.n,)
def doubled(n):
    return n * k
k = 2
made.append(Made(4))
table = {made[0]: made}
""",
    SPACE,
)


class Recent:
    """Its state leads to functions whose globals lead back to it, and to a deque."""

    def __init__(self, size):
        self.pages, self.order, self.tags = {}, collections.deque(maxlen=size), {}
        self.prepare()

    def prepare(self):
        self.oldest = self.order.popleft
        self.tagged = [self.tags[Tag(name)] for name in self.pages]

    def __getnewargs__(self):
        return (self.order.maxlen,)

    def __new__(cls, size):
        return super().__new__(cls)

    def __getstate__(self):
        return {"pages": self.pages, "order": self.order, "tags": self.tags}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.prepare()


class Tag:
    """A key whose hash is that of what is made by a call."""

    def __init__(self, name):
        self.letters = collections.deque(name)

    def __hash__(self):
        return hash(tuple(self.letters))

    def __eq__(self, other):
        return self.letters == other.letters


class Sealed(tuple):
    """Made from a list whose items are made by calls themselves."""

    def __new__(cls, items):
        return super().__new__(cls, items)

    def __reduce__(self):
        return Sealed, (self.items,), vars(self)


class Page:
    pass


def add_page(recent, name):
    space = {"recent": recent, "name": name}
    exec("def render(): return name, len(recent.pages)", space)
    page = Page()
    page.render = space["render"]
    page.counts = [collections.deque([name], 3), collections.Counter(name)]
    page.sealed = Sealed(page.counts)
    page.sealed.items = page.counts
    recent.pages[name] = page
    recent.tags[Tag(name)] = len(recent.tags)
    recent.order.append(name)


def recent_pages():
    recent = Recent(4)
    for name in ("one", "two", "three"):
        add_page(recent, name)
    return recent


recent = recent_pages()
registry["thing"] = Thing("thing")
keys.update((Key(1), Key(7)))
first = registry["thing"]
order = list(globals())
for turn in range(300 * ROUNDS):
    if turn % 50 == 0:
        checkpoint()
        print(turn, first is registry["thing"] is things[0], first.size, len(things), Key(7) in keys)
        print(type(Entry).first is Listed.made["Entry"][0], Listed.first.value, len(Listed.made["Entry"]))
        print(SPACE["made"][0].n, SPACE["table"][SPACE["made"][0]] is SPACE["made"])
        print(shown(shown.last), shown(Parsed.known["three"]), shown(1))
        print(Node.known[Node(1, (Node(2),))] is node, Node.known[2] is node.children[0])
        print([name for name in globals() if name in order][: len(order)] == order, list(vars(Node))[:5])
        other = recent_pages()
        checkpoint()
        for each in (recent, other):
            print(each.tagged == list(range(len(each.tagged))))
            print(each.oldest(), list(each.order), [page.render() for page in each.pages.values()])
            print([page.sealed == tuple(page.counts) for page in each.pages.values()], each.pages["two"].sealed)
            each.order.appendleft("one")
