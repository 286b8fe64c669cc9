# needs Python 3.14
"""Other interpreters, made between suspends: their built-in types are like those of the first one."""
import sys
from concurrent import interpreters

from checkpoint import checkpoint

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
    other.prepare_main(queue=queue)
    other.exec(SLOTS + "queue.put('\\n'.join(found))")
    found = queue.get()
    other.close()
    return found.splitlines()


for turn in range(3 * ROUNDS):
    here, there = found_here(), found_there()
    checkpoint()
    print(turn, [pair for pair in zip(here, there) if pair[0] != pair[1]], len(here) == len(there))
    checkpoint()
print(*here, sep="\n")
