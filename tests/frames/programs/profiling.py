"""A profile function: its calls and returns, those of generators and of builtins in between."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
events = []


def note(frame, event, argument):
    if frame.f_code.co_filename != __file__ or event.startswith("c_"):
        return
    events.append((frame.f_code.co_name, event, repr(argument)))


def count(n):
    for i in range(n):
        checkpoint()
        yield i


def fails(n):
    checkpoint()
    return 1 // n


def work(n):
    total = 0
    for i in count(n):
        total += i
    try:
        total += fails(n % 2)
    except ZeroDivisionError:
        checkpoint()
    return sorted([total, n], key=lambda x: x and -fails(x))


for turn in range(60 * ROUNDS):
    events.clear()
    sys.setprofile(note)
    got = work(turn % 6)
    checkpoint()
    kept = sys.getprofile() is note
    sys.setprofile(None)
    if turn % 10 == 0:
        print(turn, kept, got)
        for event in events:
            print("  ", *event)
