"""A trace function that is left while it is told of a line, an instruction, a call, a return."""
import re
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
events = []
STOP = None


def note(frame, event, argument):
    code = frame.f_code
    if code.co_filename != __file__ or code is note.__code__:
        return None
    what = re.sub("0x[0-9a-f]+", "", repr(argument))
    if event == "exception":
        what = f"{argument[0].__name__} {argument[1]} {depth(argument[2])}"
        if argument[0] is StopIteration:
            return note
    if event == "opcode" and frame.f_lineno == code.co_firstlineno + 2:
        return note  # 3.12 begins with them somewhere in there
    events.append((code.co_name, event, frame.f_lineno, frame.f_lasti, what))
    if code in UNSURE or event == "return" and argument is None:
        attempt()  # yield, throw(), or an exception leaves the frame
    else:
        checkpoint()
    if code is stops.__code__ and event == STOP:
        raise KeyError(f"stopped at a {event}")
    return note


def depth(traceback):
    lines = []
    while traceback is not None:
        lines.append(traceback.tb_lineno)
        traceback = traceback.tb_next
    return lines


class Noter:
    """A trace function that is a method, and another one for each frame."""

    def __init__(self):
        self.calls = 0

    def start(self, frame, event, argument):
        if frame.f_code.co_filename != __file__:
            return None
        self.calls += 1
        checkpoint()
        return self.go_on if self.calls % 2 else None

    def go_on(self, *given):
        frame, event, argument = given
        events.append((frame.f_code.co_name, event, frame.f_lineno, self.calls))
        checkpoint()
        return self.go_on


class Operand:
    def __repr__(self):
        return "an operand"

    def __del__(self):
        events.append("an operand is dropped")


def add(a, b=2, *rest, c=3, **others):
    total = a + b + c
    return total


def one_line(a): return (
    a + 1
)


def closing(a):
    def inner():
        nonlocal a
        a += 1
        return a

    return inner() + inner()


def by_opcode(n):
    sys._getframe().f_trace_opcodes = True
    sys.settrace(sys.gettrace())  # 3.12 looks only here for who wants opcodes
    n += 1
    n = [n, n + 1][1]
    return n


def loops(n):
    total = 0
    for i in range(n):
        total += add(i)
    while total > 20:
        total -= 9
    return total


def raises(n):
    try:
        return (Operand(), add(n), fails(n))
    except ValueError as error:
        return repr(error)
    finally:
        n += 1


def fails(n):
    if n:
        raise ValueError(
            n
        )


def fails_in_c(n):
    found = []
    for what in (
        lambda: int("x"), lambda: [1][n], lambda: n.missing, lambda: n + "x", lambda: unknown,
        lambda: {}[n], lambda: n < "x", lambda: n in n, lambda: -"x", lambda: setattr(n, "a", 1),
    ):
        try:
            found.append(what())
        except Exception as error:
            found.append(type(error).__name__)
    try:
        n.own = 1
    except AttributeError:
        found.append("own")
    try:
        a, b = found
    except ValueError:
        found.append("unpack")
    try:
        import not_there
    except ImportError:
        found.append("import")
    return found


def stops(n):
    try:
        n = [n][n]
    finally:
        n += 1


def generates(n):
    for i in range(n):
        yield i
    return "done"


def delegates(n):
    result = yield from generates(n)
    yield result


UNSURE = (generates.__code__, delegates.__code__, Operand.__del__.__code__)


def everything(n):
    got = [
        add(n, c=4, d=5), one_line(n), closing(n), by_opcode(n), loops(n), raises(n), raises(0),
        fails_in_c(n), list(map(str, generates(2))), [*delegates(2)],
        sorted([3, 1], key=lambda x: add(x, 0)),
    ]
    return got


for turn in range(ROUNDS):
    sys.settrace(note)
    got = everything(turn + 9)
    still = sys.gettrace() is note
    sys.settrace(None)
    print(turn, still, got, len(events))
    for STOP in ("call", "line", "return", "exception"):
        sys.settrace(note)
        try:
            stops(STOP == "exception")
        except KeyError as error:
            print(repr(error), depth(error.__traceback__), sys.gettrace())
    noter = Noter()
    events.append("methods")
    sys.settrace(noter.start)
    add(one_line(turn), loops(1))
    sys.settrace(None)
    for event in events:
        print("  ", event)
    events.clear()
