"""A trace function: global and local ones, lines, exceptions, generators; all of its events."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
events = []


def note(frame, event, argument):
    if frame.f_code.co_filename != __file__:
        return None
    if event in ("return", "call", "line"):
        argument = repr(argument) if event == "return" else None
    else:
        argument = argument[0].__name__ if event == "exception" else None
    if event == "opcode" and frame.f_code is by_opcode.__code__ and frame.f_lineno < LAST:
        return note  # 3.12 remembers from one call to the next who wanted opcodes
    events.append((frame.f_code.co_name, event, frame.f_lineno, argument))
    return note


def add(a, b):
    checkpoint()
    return a + b


def spread(n):
    return add(
        add(n, 1),
        add(
            n,
            2,
        ),
    ) + sum(
        [
            n,
            add(n, 3),
        ]
    )


def loops(n):
    total = 0
    for i in range(n):
        total += i
        if i % 2:
            checkpoint()
    while total > 3:
        total -= 3
        checkpoint()
    for j in range(2): total += add(j, 1)
    return [add(x, total) for x in range(2)]


def raises(n):
    try:
        checkpoint()
        fails(n)
    except ValueError as error:
        checkpoint()
        return repr(error)
    finally:
        n += 1


def fails(n):
    checkpoint()
    if n:
        raise ValueError(n)


def counting(n):
    for i in range(n):
        checkpoint()
        yield i
    return "done"


def delegating(n):
    result = yield from counting(n)
    checkpoint()
    yield result


def quiet(n):
    sys._getframe().f_trace_lines = False
    checkpoint()
    n += 1
    checkpoint()
    return n


def by_opcode(n):
    sys._getframe().f_trace_opcodes = True
    sys.settrace(sys.gettrace())  # 3.12 looks only here for who wants opcodes
    checkpoint()
    n += 1
    return n


LAST = by_opcode.__code__.co_firstlineno + 4


class Manager:
    def __repr__(self):
        return "manager"

    def __enter__(self):
        checkpoint()
        return self

    def __exit__(self, *details):
        checkpoint()
        return True


def managed():
    with Manager() as manager:
        checkpoint()
        fails(1)
    return type(manager).__name__


def everything(n):
    return (
        spread(n), loops(n), raises(n), list(map(str, counting(n))), [*delegating(2)],
        quiet(n), by_opcode(n), managed(), sorted([3, 1], key=lambda x: add(x, 0)),
    )


print(sys.gettrace())
for turn in range(20 * ROUNDS):
    events.clear()
    sys.settrace(note)
    got = everything(turn % 5)
    still = sys.gettrace() is note
    sys.settrace(None)
    if turn % 4 == 0:
        print(turn, still, got, len(events))
        for event in events:
            print("  ", *event)
