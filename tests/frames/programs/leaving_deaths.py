"""__del__, left inside of it as a function returns and its variables die, one after the other."""
import contextlib
import gc
import sys

from checkpoint import attempt, checkpoint
from mortals import Failing, Heir, Lazarus, Mortal, log

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def single(kind, n):
    x = kind(f"single {n}")
    return [n]


def several(kind, n):
    a = kind(f"first {n}")
    unbound = None
    b = kind(f"second {n}")
    del unbound
    c = [kind(f"third {n}", attempt)]
    d = kind(f"fourth {n}")
    return [n, n]


def constant(kind, n):
    x = kind(f"constant {n}")
    return "constant"


def nothing(kind, n):
    x = kind(f"nothing {n}")


def parts(kind, n):
    x = kind(f"whole {n}")
    return x.part


def early(kind, n):
    for i in (0, 1):
        for j in map(abs, (i, n)):
            try:
                x = kind(f"early {n}{i}{j}")
                with contextlib.suppress(KeyError) as nothing:
                    if i:
                        return i + j, nothing
            finally:
                y = kind(f"finally {n}")


def defaults(kind, n=3, *rest, more=4, **names):
    x = kind(f"defaults {n}")
    return n, rest, more, names


def enclosing(kind, n):
    x = kind(f"enclosing {n}")
    return lambda: n


def deep(kind, n, depth):
    x = kind(f"deep {n} {depth}")
    return 0 if depth == 0 else 1 + deep(kind, n, depth - 1)


def twice(kind, n):
    x = kind(f"twice {n}")
    y = x
    z = [n]
    del z
    return n


def generated(kind, n):
    for i in range(2):
        yield single(kind, f"{n}{i}")


class Methods:
    def method(self, kind, n):
        x = kind(f"method {n}")
        return self, n


class Made:
    def __init__(self, kind, n):
        x = kind(f"made {n}", attempt)
        self.n = n


class Asked:
    kind = Mortal

    @property
    def one(self):
        x = self.kind("property", attempt)
        return 1

    def __getitem__(self, n):
        x = self.kind(f"item {n}", attempt)
        return n + 1

    def __add__(self, other):
        x = self.kind("sum", attempt)
        return other


def calls(kind, n):
    return [single(kind, n), several(kind, n)[1], constant(kind, n), nothing(kind, n)]


def kept_frame(kind, n):
    x = kind(f"with a frame {n}", attempt)
    log.append(sorted(sys._getframe().f_locals))
    return n


def raising(kind, n):
    x = kind(f"raised past {n}", attempt)
    raise KeyError(n)


def by_arguments(kind, n):
    def take(x, y=None):
        return n

    return take(kind(f"argument {n}")), take(y=kind(f"named {n}"), x=n)


def owners(kind, n):
    return [kind(f"owner {n}").name for i in range(2)] + [kind(f"part of {n}").part.name]


def through_c(kind, n):
    return list(map(lambda i: single(lambda name: kind(name, attempt), i), (n, n + 1)))


def resurrected(n):
    single(Lazarus, n)
    risen, Mortal.kept = Mortal.kept, None
    log.append(f"{risen.name} has risen: {gc.is_finalized(risen)}")
    checkpoint()
    del risen
    log.append("and died")


def ignored(unraisable):
    log.append(f"ignored: {unraisable.exc_value!r} {sys._getframe(1).f_code.co_name}")


def show(*what):
    print(*what, *log, sep="\n  ")
    log.clear()


sys.unraisablehook = ignored
for turn in range(3 * ROUNDS):
    for kind in Mortal, Heir:
        show(kind.__name__, turn)
        show(calls(kind, turn))
        show(parts(kind, turn).name, early(kind, turn))
        show(defaults(kind), defaults(kind, turn), defaults(kind, more=turn))
        show(enclosing(kind, turn)(), deep(kind, turn, 3), twice(kind, turn))
        show([value for value in generated(kind, turn)])
        methods = Methods()
        show(methods.method(kind, turn) == (methods, turn), Made(kind, turn).n)
        show(kept_frame(kind, turn), by_arguments(kind, turn), through_c(kind, turn))
        show(owners(kind, turn))
    asked = Asked()
    show(asked.one, asked[turn], asked + turn)
    try:
        raising(Mortal, turn)
    except KeyError as error:
        show(repr(error))
    show()
    resurrected(turn)
    show(single(Failing, turn))
