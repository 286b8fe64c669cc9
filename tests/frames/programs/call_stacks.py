"""Tables that a library fills as it goes: which files inspect has found modules to have."""
import inspect
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class File(str):
    """Is left while inspect looks it up in its table, in which it has just found it."""

    def __hash__(self):
        checkpoint()
        return str.__hash__(self)


def functions():
    return [frame.function for frame in inspect.stack()]


def told():
    checkpoint()
    yield functions()
    checkpoint()
    yield functions()


def passed_on(generator):
    yield from generator


for turn in range(ROUNDS):
    for names in passed_on(told()):
        print(names, inspect.getmodule(functions).__name__, inspect.getmodule(inspect.stack))
    checkpoint()
    print(inspect.getsource(functions), end="")
    file = File(inspect.getabsfile(functions))
    print(inspect.getmodule(functions.__code__, file).__name__)
