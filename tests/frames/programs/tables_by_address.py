"""Tables by id(object) find their objects, wherever these are: as keys, in sets, lists, locals and tuples."""
import collections
import copy
import io
import pickle
import pprint
import reprlib
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Node:
    def __init__(self, name, *inner):
        self.name, self.inner = name, list(inner)

    def __deepcopy__(self, memo):
        checkpoint()
        made = Node.__new__(Node)
        memo[id(self)] = made
        made.name, made.inner = self.name + "'", copy.deepcopy(self.inner, memo)
        return made

    def __repr__(self):
        attempt()
        return f"Node({self.name})"


class Stored:
    """Is found by its address in a table of its class, which it does not hold itself."""

    known = {}

    def __init__(self, name):
        self.name = name
        Stored.known[id(self)] = self.name

    def __getstate__(self):
        return {"name": self.name, "at": id(self), "key": (id(self), self.name)}

    def __setstate__(self, state):
        assert Stored.known.get(state["at"], state["name"]) == state["name"]
        self.name, self.key = state["name"], state["key"]


class Registry:
    """Its state has to be whole as it is set, table by address and all."""

    def __init__(self, things):
        self.things = things
        self.places = {id(thing): place for place, thing in enumerate(things)}
        self.check()

    def check(self):
        self.found = [self.places[id(thing)] for thing in self.things]

    def __getstate__(self):
        return {"things": self.things, "places": self.places}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.check()


class Pair(reprlib.Repr):
    def __init__(self, one):
        self.one = one

    @reprlib.recursive_repr()
    def __repr__(self):
        attempt()
        return f"Pair({self.one!r})"


def walk(node, seen, stack):
    place = id(node)
    checkpoint()
    if place in seen:
        return 0
    seen.add(place)
    stack.append(place)
    total = 1 + sum(walk(each, seen, stack) for each in node.inner)
    assert stack.pop() == place == id(node), (stack, place)
    return total


def shared():
    leaf = Node("leaf")
    root = Node("root", leaf, Node("middle", leaf))
    root.inner.append(root)
    return root


numbers = {1 << 44: "no address", id(None): "none", id(int): "int", id(collections.OrderedDict): "ordered"}
names = {id(numbers): "numbers", id(walk): "walk", id(sys): "sys", id(Node): "Node", id("word"): "word"}
gone = id(Node("gone"))
stored = [Stored("one"), Stored("two")]
registry = Registry([*stored, names, (1, 2), "text", frozenset((1, 2))])
itself = {}
itself[id(itself)] = itself
key = (id(registry), id(itself))
keyed = {key: 1, frozenset((id(registry),)): 2}
for turn in range(ROUNDS):
    root = shared()
    print(walk(root, set(), []))
    twin = copy.deepcopy(root)
    print(twin.name, twin.inner[0] is twin.inner[1].inner[0], twin.inner[2] is twin)
    checkpoint()
    print([id(thing) >> 32 == 0 or numbers[id(thing)] for thing in (None, int, collections.OrderedDict)])
    print(numbers[1 << 44])
    # Below 4 GiB, where an interpreter that is linked to a fixed place has what is large, an int is an int.
    print([id(thing) >> 32 == 0 or names[id(thing)] for thing in (numbers, walk, sys, Node)])
    print([Stored.known[id(thing)] for thing in stored], itself[id(itself)] is itself)
    print(registry.found, registry.places[id(names)], keyed[id(registry), id(itself)], keyed[frozenset((id(registry),))])
    print(key == (id(registry), id(itself)), gone == id(gone), type(gone))
    pair = Pair([1])
    pair.one.append(pair)
    print(repr(pair))
    pprint.pprint([pair, {"a": [Node("shown")]}])
    file = io.BytesIO()
    pickle._Pickler(file).dump([Node("kept", Node("inner"))])
    print(pickle.loads(file.getvalue())[0].inner)
