"""Constructors that hand out what there is already, or put what they make into what they are given."""
import sys
import weakref

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Singleton:
    one = None

    def __new__(cls):
        if cls.one is None:
            cls.one = super().__new__(cls)
        return cls.one

    def __reduce__(self):
        return Singleton, ()


class Interned:
    table = {}

    def __new__(cls, name):
        return cls.table.get(name) or cls.table.setdefault(name, super().__new__(cls))

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return Interned, (self.name,)


class Weakly:
    table = weakref.WeakValueDictionary()

    def __new__(cls, name):
        one = cls.table.get(name)
        if one is None:
            one = super().__new__(cls)
            one.name = name
            cls.table[name] = one
        return one

    def __reduce__(self):
        return Weakly, (self.name,)


class Node:
    def __init__(self, parent=None):
        self.parent, self.children = parent, []
        if parent is not None:
            parent.children.append(self)

    def __reduce__(self):
        return Node, (self.parent,)


class Graph:
    def __init__(self, nodes):
        self.nodes = nodes

    def __reduce__(self):
        return Graph, (self.nodes,)


class Cache:
    default = None

    def __init__(self):
        self.entries, self.last = {}, None

    def get(self, name):
        self.last = self.entries.get(name) or Entry(name)
        return self.last


class Entry:
    def __init__(self, name):
        self.name, self.before = name, cache.last and cache.last.name
        cache.entries[name] = self

    def __reduce__(self):
        return Entry, (self.name,), {"before": self.before}


cache = Cache()
for turn in range(ROUNDS):
    root = Node()
    inner = Node(root)
    leaf = Node(inner)
    nodes = []
    graph = Graph(nodes)
    nodes.append(graph)
    single = Singleton()
    interned = [Interned("x"), Interned("y"), Interned("x")]
    weakly = [Weakly("p"), Weakly("q")]
    entries = [cache.get(name) for name in "abca"]
    for _ in range(2):
        checkpoint()
        print(root.children[0] is inner, inner.children[0] is leaf, leaf.parent is inner)
        print(len(root.children), len(inner.children), graph.nodes is nodes, nodes[0] is graph)
        print(single is Singleton(), interned[0] is interned[2], Interned("y") is interned[1])
        print(Weakly("p") is weakly[0], sorted(Weakly.table), len(Interned.table))
        print(list(cache.entries), cache.last is entries[0], [entry.before for entry in entries])
    cache.entries.clear()
    cache.last = None
