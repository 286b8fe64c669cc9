"""Bound methods called from variables, attributes and tables; partials; methods of C functions."""
import functools
import sys
import types

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Visitor:
    def __init__(self, name):
        self.name = name
        self.seen = []
        self.on_leaf = self.leaf
        self.table = {"leaf": self.leaf, "node": self.node}
        self.partial = functools.partial(self.table["leaf"], 7)

    def visit(self, tree):
        visitor = getattr(self, "node" if isinstance(tree, list) else "leaf")
        return visitor(tree)

    def node(self, tree):
        return sum([self.visit(each) for each in tree])

    def leaf(self, number):
        checkpoint()
        self.seen.append(number)
        return number

    def whole(self, *, factor=2):
        checkpoint()
        return len(self.seen) * factor

    @classmethod
    def make(cls, name):
        checkpoint()
        return cls(name)

    def __lt__(self, other):
        attempt()
        return self.name < other.name

    def __iter__(self):
        checkpoint()
        return iter([self.name])

    def fails(self):
        checkpoint()
        raise LookupError(self.name)


class Other(Visitor):
    def leaf(self, number):
        leaf = super().leaf
        return leaf(number) * 10


def shifted(visitor, number):
    checkpoint()
    return visitor.leaf(number) + 1


bound = Visitor("bound")
call = bound.leaf
make = Other.make
for turn in range(30 * ROUNDS):
    tree = [turn, [turn + 1, [2]], [[3]]]
    other = make("other")
    row = [
        call(turn),
        bound.on_leaf(turn + 1),
        bound.table["leaf"](turn),
        bound.visit(tree),
        other.visit(tree),
        (lambda f: f(tree))(other.node),
        bound.partial(),
        functools.partial(shifted, bound)(4),
        types.MethodType(shifted, bound)(5),
        list(map(call, [1, 2])),
    ]
    whole = bound.whole
    row.append(whole(factor=3) - whole())
    # A C function between the method and what it is bound to: sorted() is no method call.
    ordered = types.MethodType(sorted, [other, bound])
    row.append([each.name for each in ordered()])
    fails = other.fails
    try:
        fails()
    except LookupError as error:
        checkpoint()
        row.append(error.args)
    if turn % 10 == 0:
        print(turn, row, len(bound.seen))
print(sum(bound.seen))
