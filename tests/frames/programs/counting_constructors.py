"""Constructors that count and list what they make, and that `__reduce__` names: once more, but not twice."""
import collections
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
made = 0
events = []
sizes = [1, 2]
kinds = {}
letters = set()
recent = collections.deque(maxlen=3)
by_size = collections.defaultdict(list)
tally = collections.Counter()
ordered = collections.OrderedDict()


class Register:
    def __init__(self):
        self.count, self.last, self.log = 0, "", []


class Slotted:
    __slots__ = ("count",)

    def __init__(self):
        self.count = 0


register, slotted = Register(), Slotted()


def counter():
    count = 0

    def add():
        nonlocal count
        count += 1
        return count

    return add


count_up = counter()


class Named(type):
    calls = 0

    def __call__(cls, *arguments):
        Named.calls += 1
        return super().__call__(*arguments)


class Thing(metaclass=Named):
    instances = 0
    names = []
    latest = None

    def __init__(self, name):
        global made
        made += 1
        self.name = name
        Thing.instances += 1
        Thing.names.append(name)
        Thing.latest = self
        self.note()

    def note(self):
        events.append("made " + self.name)
        sizes.append(len(self.name))
        kinds[self.name] = kinds.get(self.name, 0) + 1
        letters.update(self.name)
        register.count += 1
        register.last = self.name
        register.log.append(self.name)
        slotted.count += 1
        recent.append(self.name)
        by_size[len(self.name)].append(self)
        tally[self.name] += 1
        ordered[self.name] = ordered.get(self.name, 0) + 1
        count_up()

    def __reduce__(self):
        return Thing, (self.name,)


class Restored:
    """Its state says when it was restored; what it is restored from does not matter afterwards."""

    restored = []

    def __init__(self, name):
        self.name = name

    def __getstate__(self):
        return (self.name,)

    def __setstate__(self, state):
        (self.name,) = state
        Restored.restored.append(self.name)
        events.append("restored " + self.name)


class Stack(list):
    pushed = 0

    def append(self, item):
        Stack.pushed += 1
        super().append(item)

    def __reduce__(self):
        return Stack, (), None, iter(list(self))


def show(*more):
    print(made, events, sizes, kinds, sorted(letters), *more)
    print(register.count, register.last, register.log, slotted.count, Named.calls)
    print(Thing.instances, Thing.names, Thing.latest and Thing.latest.name)
    print(Restored.restored, Stack.pushed, list(recent), dict(tally), list(ordered.items()))
    print({size: [each.name for each in some] for size, some in by_size.items()})


def forget():
    global made
    made = 0
    for each in (events, kinds, letters, register.log, Thing.names, Restored.restored):
        each.clear()
    for each in (recent, by_size, tally, ordered):
        each.clear()
    sizes[:] = [1, 2]
    register.count = slotted.count = Thing.instances = Named.calls = Stack.pushed = 0
    register.last, Thing.latest = "", None


for turn in range(ROUNDS):
    forget()
    held = [Thing("first"), Restored("old"), Stack()]
    held[2].append(3)
    show(count_up())
    checkpoint()
    show(count_up())
    forget()
    checkpoint()
    show(count_up())
    other = Thing("second")
    show(count_up(), [each.name for each in held[:2]], held[2])
    checkpoint()
    show(other.name, count_up())
