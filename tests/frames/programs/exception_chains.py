"""Causes, contexts, notes and tracebacks printed with their lines after any number of suspends."""
import sys
import traceback

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
NOTES = sys.version_info >= (3, 11)


class Failure(Exception):
    def __init__(self, what, code):
        super().__init__(what)
        self.code = code


def deepest(n):
    total = 0
    for i in range(50):
        total += i
    checkpoint()
    return total / (n - n)


def middle(n):
    try:
        return deepest(n)
    except ZeroDivisionError as error:
        if NOTES:
            error.add_note(f"with {n}")
        checkpoint()
        raise Failure("could not divide", n) from error


def outer(n):
    try:
        middle(n)
    finally:
        checkpoint()
        [].append(n)


def cleaning_badly(n):
    try:
        outer(n)
    except Failure:
        checkpoint()
        int("not a number")


kept = None
for turn in range(300 * ROUNDS):
    try:
        cleaning_badly(turn)
    except ValueError as error:
        checkpoint()
        text = traceback.format_exc()
        if turn == 7:
            kept = error
        lines = []
        for entry in traceback.extract_tb(error.__traceback__):
            lines.append(f"{entry.name}:{entry.lineno}")
        if turn % 100 == 0:
            print(text)
            cause = error.__context__.__cause__
            print(lines, error.__context__.code, repr(cause), NOTES and cause.__notes__)
checkpoint()
print("".join(traceback.format_exception(type(kept), kept, kept.__traceback__)))
frames, step = [], kept.__context__.__traceback__
while step is not None:
    frames.append((step.tb_frame.f_code.co_name, step.tb_lineno, step.tb_frame.f_locals.get("n")))
    step = step.tb_next
print(frames)
try:
    raise kept
except ValueError:
    checkpoint()
    traceback.print_exc(limit=2, file=sys.stdout)


class Ends:
    def __init__(self, end):
        self.end = end

    def __iter__(self):
        return self

    def __next__(self):
        raise self.end


def ended(end):
    got = yield from Ends(end)
    print("ended with", got)


ends = [StopIteration(), StopIteration(5)]
checkpoint()
print([list(ended(end)) for end in ends], ends)
