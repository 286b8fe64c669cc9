"""A Python 3 program uses what only runs on Python 2, and the other way round.

usage: two_and_three.py [SPEC OF A PYTHON 2]
"""

import sys

import elsewhere

LEGACY = """
# Python 2 only: a print statement, and / that divides whole numbers
def middle(values):
    values = sorted(values, cmp=lambda a, b: a - b)
    return values[len(values) / 2]

print >>log, "starting"
for request in channel:
    channel.send((middle(request), u"of %d" % len(request), sys.version_info[0]))
"""

old = elsewhere.makegateway(*(sys.argv[1:] or ["popen//python=2.7"]))
new = elsewhere.makegateway("popen")
legacy = old.remote_exec("import os, sys; log = open(os.devnull, 'w')" + LEGACY)
squares = new.remote_exec("channel.send([n * n for n in reversed(range(channel.receive()))])")
squares.send(9)
legacy.send(squares.receive())
print(*legacy.receive())
elsewhere.default_group.terminate(5)
