"""with blocks: nested, several managers, suspended inside __enter__, the body and __exit__."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []


class Step:
    def __init__(self, name, swallow=()):
        self.name = name
        self.swallow = swallow

    def __enter__(self):
        log.append(f"+{self.name}")
        checkpoint()
        return self

    def __exit__(self, kind, error, trace):
        checkpoint()
        log.append(f"-{self.name}" + (f"({kind.__name__})" if kind else ""))
        return kind is not None and issubclass(kind, self.swallow)


def busy(n):
    total = 0
    for i in range(30):
        total = (total * 3 + i + n) % 1009
    return total


def nested(n):
    with Step("a") as a:
        busy(n)
        with Step("b") as b, Step("c", ValueError) as c:
            checkpoint()
            if n % 3 == 0:
                raise ValueError(n)
            log.append(a.name + b.name + c.name)
        busy(n)
    return len(log)


def returning(n):
    with Step("r"):
        checkpoint()
        return busy(n)


def looping(n):
    for i in range(4):
        with Step(i):
            if i == n % 4:
                break
            continue
    return i


def escaping(n):
    try:
        with Step("x", KeyError), Step("y"):
            checkpoint()
            raise IndexError(n)
    except IndexError as error:
        return error.args


for turn in range(300 * ROUNDS):
    log.clear()
    row = nested(turn), returning(turn), looping(turn), escaping(turn)
    if turn % 75 == 0:
        print(row, *log)
print("done")
