"""f_back chains, f_locals and line numbers of every frame on the stack."""
import sys
import traceback

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def chain():
    found, frame = [], sys._getframe(1)
    while frame is not None:
        found.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
        frame = frame.f_back
    return found


def inner(n):
    before = chain()
    checkpoint()
    after = chain()
    assert len(before) == len(after) and before[1:] == after[1:], (before, after)
    return after


def held(n):
    frame = sys._getframe()
    checkpoint()
    assert frame is sys._getframe()
    assert frame.f_back.f_code.co_name == "middle"
    return frame.f_locals["n"], frame.f_lineno, inner(n)


def middle(n):
    return held(n + 1)


class Box:
    def method(self, n):
        return [middle(n) for _ in range(1)][0]


def through_generator(n):
    yield middle(n)
    before = [entry.name for entry in traceback.extract_stack()]
    checkpoint()
    after = [entry.name for entry in traceback.extract_stack()]
    yield before == after, after


for turn in range(300 * ROUNDS):
    n, line, names = Box().method(turn)
    row = []
    for item in through_generator(turn):
        row.append(item)
    # Comprehensions have a frame of their own before 3.12.
    names = [name for name in names if not name.startswith("<listcomp>")]
    if turn % 100 == 0:
        print(n, line, *names)
        print(row[0][2])
print("bottom", chain()[-1].split(":")[0], sys._getframe().f_back)
