"""What frames say of their line while their tracer is off for a moment, and a while after that."""
import sys
import traceback

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
seen = []


def note(frame, event, argument):
    if frame.f_code.co_filename != __file__ or frame.f_code.co_name[0] == "_":
        return None
    seen.append((frame.f_code.co_name, event, frame.f_lineno))
    return note


def _where(n=3):
    lines = []
    frame = sys._getframe(1)
    while n and frame:
        lines.append((frame.f_code.co_name, frame.f_lineno))
        frame = frame.f_back
        n -= 1
    return lines


def off_for_a_moment(n):
    sys.settrace(None)
    n += 1
    checkpoint()
    n += 1
    seen.append(_where())
    checkpoint()
    seen.append(_where())
    sys.settrace(note)
    checkpoint()
    seen.append(_where())
    return n


def around(n):
    n = (
        off_for_a_moment(n)
        +
        off_for_a_moment(
            n
        )
    )
    checkpoint()
    return n


def fails(n):
    try:
        sys.settrace(None)
        checkpoint()
        n += 1
        raise ValueError(n)
    except ValueError as error:
        checkpoint()
        seen.append([entry.lineno for entry in traceback.extract_tb(error.__traceback__)])
        sys.settrace(note)
        seen.append(_where())
    return n


def yields(n):
    sys.settrace(None)
    n += 1
    checkpoint()
    yield _where()
    n += 1
    checkpoint()
    sys.settrace(note)
    yield _where()


def consumes(n):
    for lines in yields(n):
        seen.append(lines)
    return n


for turn in range(2 * ROUNDS):
    seen.clear()
    sys.settrace(note)
    got = [around(turn), fails(turn), consumes(turn)]
    sys.settrace(None)
    if turn < 2:
        print(turn, got)
        for one in seen:
            print("  ", one)
