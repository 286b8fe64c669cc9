"""What a call was given lives until it ends, as far as the caller holds it, and is dropped in order."""
import functools
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Named:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("dropped", self.name)

    def method(self, *others, **names):
        del self, others, names
        checkpoint()
        print("method is done")
        return "method"


def drops(one, *others, **names):
    del one, others, names
    checkpoint()
    print("function is done")
    return "function"


def given(*others):
    del others
    attempt()  # before 3.11 a partial hides what it calls
    print("partial is done")
    return "partial"


def fails(one):
    del one
    checkpoint()
    raise ValueError("failed")


class Callable:
    def __call__(self, *others, **names):
        del others, names
        checkpoint()
        print("call is done")
        return "call"


class Made:
    def __init__(self, *others, **names):
        del others, names
        checkpoint()
        print("made")

    def __del__(self):
        print("unmade")


class Outer:
    def __init__(self, one):
        del one
        self.inner = Callable()(Named("inner"), Named("second"))
        checkpoint()


for turn in range(5 * ROUNDS):
    print(turn, drops(Named(1)), drops(Named(2), Named(3), name=Named(4)), drops(one=Named(5)))
    print(Named(6).method(Named(7), Named(8)))
    print(Callable()(Named(9), Named(10)), Callable()(*[Named(11)], Named(12)))
    print(type(Made(Named(13), Named(14))).__name__, Outer(15).inner)
    print(functools.partial(given, Named(16))(Named(17)), drops(drops(Named(18)), Named(19)))
    print(Callable()(**{"name": Named(21)}), Callable()("constant", **{"name": Named(22), "other": Named(23)}))
    print(drops("constant", **{"name": Named(24)}), type(Made(**{"name": Named(25)})).__name__)
    print(Named(26).method(**{"name": Named(27)}))
    try:
        fails(Named(20))
    except ValueError as error:
        checkpoint()
        print(error)
