"""A __del__ that is left under a trace function and a profiler, which see the program and no more."""
import os
import sys

from checkpoint import attempt, checkpoint

events = []
OWN = __file__, checkpoint.__code__.co_filename


def note(frame, event, argument):
    file, name = frame.f_code.co_filename, frame.f_code.co_name
    if file == OWN[0] and name != "note":
        events.append((name, event, frame.f_lineno))
    elif file not in OWN:
        events.append((os.path.basename(file), name, event))
    return note


class Dying:
    def __del__(self):
        attempt()  # before 3.11 the trace function may have held it, and lets it go elsewhere
        self.done = True


def drop():
    x = Dying()
    x = 1
    Dying()
    checkpoint()
    return x


for listen in (sys.settrace, sys.setprofile):
    listen(note)
    drop()
    listen(None)
    print(listen.__name__, *events, sep="\n")
    events.clear()
