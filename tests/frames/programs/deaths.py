"""__del__, left inside of it: what dies in an assignment, a del, an expression, an attribute or item."""
import gc
import sys

from checkpoint import attempt, checkpoint
from mortals import Failing, Heir, Lazarus, Mortal, log

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Listing(list):
    def __init__(self, name):
        self.append(name)

    def __del__(self):
        checkpoint()
        log.append(f"list of {self}")


class Holder:
    pass


class Slotted:
    __slots__ = ("a", "b")


def expressions(kind, n):
    kind(f"expression {n}")
    return [n, kind(f"item {n}", attempt).name]


def variables(kind, n):
    x = kind(f"variable {n}")
    x = n
    y = kind(f"deleted {n}")
    del y
    for z in map(kind, (f"first {n}", f"second {n}")):
        pass
    z = n
    a, b = kind(f"one {n}"), kind(f"two {n}")
    a, b = b, n
    b, a = a, b
    a, b = n, n
    return [x, z, [kind(f"listed {n}{i}", attempt).name for i in range(2)], a, b]


def cells(kind, n):
    x = kind(f"cell {n}")

    def inside():
        nonlocal x
        x = kind(f"another {n}")
        x = n
        x = kind(f"deleted cell {n}")
        del x
        x = 2 * n

    inside()
    return x


def names(kind, n):
    global g
    g = kind(f"global {n}")
    g = n
    g = kind(f"deleted global {n}")
    del g

    class Body:
        x = kind(f"name {n}")
        x = n
        y = kind(f"deleted name {n}")
        del y
        x = x + 1

    return Body.x


def attributes(kind, n, holder):
    holder.a = kind(f"attribute {n}")
    holder.a = n
    holder.a = kind(f"deleted attribute {n}")
    del holder.a
    holder.b = n
    return holder.b


def items(kind, n, table):
    table["a"] = kind(f"item {n}")
    table["a"] = n
    table["b"] = kind(f"deleted item {n}")
    del table["b"]
    row = [0, kind(f"entry {n}"), kind(f"deleted entry {n}")]
    row[1] = n
    del row[2]
    return table, row


def generated(kind, n):
    for i in range(2):
        x = kind(f"generated {n} {i}")
        x = yield i
    del x


def nested(n):
    outer = Mortal(f"outer {n}", lambda: inner(n))
    outer = None


def inner(n):
    x = Mortal(f"inner {n}")
    x = n
    log.append(f"inner done {x}")


def resurrected(n):
    x = Lazarus(f"Lazarus {n}")
    del x
    risen, Mortal.kept = Mortal.kept, None
    log.append(f"{risen.name} has risen: {gc.is_finalized(risen)}")
    checkpoint()
    del risen
    log.append("and died")


def failing(n):
    x = Failing(f"failing {n}")
    x = n
    return x


def unprovable(n):
    """What dies with something else, or with others: refused, or right."""
    x = [Mortal(f"of two {n}", attempt), Mortal(f"the other {n}", attempt)]
    x = n
    y = Holder()
    y.mortal, y.other = Mortal(f"held {n}", attempt), Mortal(f"held, too {n}", attempt)
    del y
    z = [Mortal(f"cleared {n}{i}", attempt) for i in range(3)]
    del z[1:]
    z.clear()
    local = Mortal(f"local {n}", attempt)
    return x


def ignored(unraisable):
    log.append(
        f"ignored: {str(unraisable.err_msg).split(' at ')[0]} "
        f"{getattr(unraisable.object, '__qualname__', None)} {unraisable.exc_value!r} "
        f"{unraisable.exc_traceback.tb_frame.f_code.co_name} {sys._getframe(1).f_code.co_name}"
    )


def show(*what):
    print(*what, *log, sep="\n  ")
    log.clear()


sys.unraisablehook = ignored
for turn in range(4 * ROUNDS):
    for kind in Mortal, Heir:
        show(kind.__name__, turn)
        show(expressions(kind, turn))
        show(variables(kind, turn))
        show(cells(kind, turn))
        show(names(kind, turn))
        show(attributes(kind, turn, Holder()), attributes(kind, turn, Slotted()))
        show(items(kind, turn, {}))
        show(list(generated(kind, turn)))
    nested(turn)
    show("nested")
    resurrected(turn)
    show(failing(turn))
    x = Listing("module")
    x = turn
    Listing("expression")
    y = Listing("deleted")
    del y
    show(unprovable(turn))
