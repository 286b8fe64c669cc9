"""__del__ runs exactly once and in order: never for the life that was suspended."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
dropped = []


class Noted:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        dropped.append(self.name)


class Loud(Noted):
    def __del__(self):
        super().__del__()
        print("dropped", self.name)


def scope(n):
    first = Noted(f"first{n}")
    second = Noted(f"second{n}")
    checkpoint()
    del first
    assert dropped[-1] == f"first{n}"
    checkpoint()
    return second.name


def temporary(n):
    return len([Noted(f"temporary{n}").name, checkpoint()])


def enclosing(n):
    noted = Noted(f"enclosed{n}")

    def inside():
        checkpoint()
        return noted.name

    return inside


def handling(n):
    noted = Noted(f"handling{n}")
    try:
        raise KeyError(n)  # its traceback has the frame
    except KeyError:
        checkpoint()
    return noted.name


held = Loud("held")
for turn in range(800 * ROUNDS):
    name = scope(turn)
    assert dropped[-1] == name
    name = enclosing(turn)()
    assert dropped[-1] == name, dropped[-1]
    name = handling(turn)
    assert dropped[-1] == name, dropped[-1]
    temporary(turn)
    assert dropped[-1] == f"temporary{turn}"
    if turn % 200 == 0:
        print(turn, len(dropped), dropped[-3:])
held = Loud("replacement")
checkpoint()
print(len(dropped))
del held
print("end")
