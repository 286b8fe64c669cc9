# needs Python 3.14
"""Other interpreters: a suspend waits until there is none; their built-in types are like ours."""
import _interpchannels
import sys
from concurrent import interpreters

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SLOTS = """
import sys
found = []
for kind in map(type, (sys.int_info, sys.flags, sys.version_info, sys.thread_info, 1, "", [], {})):
    for name in ("__eq__", "__lt__", "__hash__", "__contains__", "__iter__", "__repr__"):
        found.append(f"{kind.__name__} {name} {getattr(kind, name, None)!r}")
"""


def found_here():
    names = {}
    exec(SLOTS, names)
    return names["found"]


def found_there():
    queue = interpreters.create_queue()
    other = interpreters.create()
    attempt()
    other.prepare_main(queue=queue)
    other.exec(SLOTS + "queue.put('\\n'.join(found))")
    found = queue.get()
    attempt()
    other.close()
    attempt()  # the queue is still there
    return found.splitlines()


def through_a_channel(value):
    """As CPython's own tests do, and nobody else."""
    channel = _interpchannels.create(3)
    _interpchannels.send(channel, value, blocking=False)
    attempt()
    return _interpchannels.recv(channel)[0]


main = interpreters.get_main()
for turn in range(3 * ROUNDS):
    here, there = found_here(), found_there()
    checkpoint()
    print(turn, [pair for pair in zip(here, there) if pair[0] != pair[1]], len(here) == len(there))
    print(through_a_channel(turn))
    checkpoint()
print(*here, main is interpreters.get_main(), sep="\n")
