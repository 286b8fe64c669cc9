"""References are counted as in one life, and there are as many objects, whatever holds them."""
import functools
import gc
import sys
import types
from collections import Counter

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
gc.disable()


class Node:
    def __init__(self, name, *others):
        self.name = name
        self.others = others

    def visit(self, depth):
        checkpoint()
        if depth:
            Node(self.name, self).visit(depth - 1)
        return counts_within(self)


class Slotted:
    __slots__ = ("left", "right", "__weakref__")


def counts(*things):
    return [sys.getrefcount(thing) for thing in things]


def counts_within(*things):
    """Before 3.11 the C code of a call has references of its own, from 3.14 on operands have none."""
    return counts(*things) if (3, 11) <= sys.version_info < (3, 14) else len(things)


def census():
    gc.collect()
    found = Counter()
    # Of these another life has one more while they run: it calls them to begin with.
    running = (census.__code__, sys._getframe(1).f_code)
    for thing in gc.get_objects():
        kind = type(thing)
        if kind in (Node, Slotted):
            found[kind.__name__] += 1
        elif kind is types.FunctionType and thing.__globals__ is globals():
            found["function"] += thing.__code__ not in running
        elif kind is types.GeneratorType and thing.gi_code.co_filename == __file__:
            found["generator"] += 1
        elif kind is types.MethodType and type(thing.__self__) is Node:
            found["method"] += 1
        elif kind is types.TracebackType and thing.tb_frame.f_globals is globals():
            found["traceback"] += 1
    return sorted(found.items())


def waiting(node):
    kept = [node, node]
    checkpoint()
    received = yield counts_within(node, kept)
    checkpoint()
    yield counts_within(node, kept, received)


def closing(node):
    def inner():
        checkpoint()
        return counts_within(node)

    return inner


def caught(node):
    try:
        checkpoint()
        raise ValueError(node)
    except ValueError as error:
        checkpoint()
        held = error
    checkpoint()
    found = counts_within(node, held, held.__traceback__, held.args)
    held = None  # what is garbage is not kept, and counts no more in another life
    return found


def looped(nodes):
    for node in nodes:
        checkpoint()
        yield counts_within(node, nodes)
    with_default = functools.partial(counts_within, nodes)
    checkpoint()
    yield with_default()


def arguments(*args, **kwargs):
    checkpoint()
    return counts_within(args, kwargs, args[0], kwargs["key"])


for turn in range(30 * ROUNDS):
    node = Node(f"turn {turn}")
    pair = Slotted()
    pair.left = pair.right = node
    checkpoint()
    print(turn, counts(node, pair, node.name, node.__dict__, Node, Slotted))
    generator = waiting(node)
    print(next(generator), counts(generator), generator.send(pair), counts(generator, pair))
    print(closing(node)(), caught(node), node.visit(3))
    print(list(looped([node, Node("other", node), node])))
    print(arguments(node, pair, key=node), counts(node, pair))
    text = "".join(["un", "interned", str(turn)])
    number = 10**20 + turn
    big = {text: number, number: [text] * 3}
    checkpoint()
    print(counts(text, number, big, big[number]))
    print(census())
