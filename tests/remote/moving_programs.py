"""Programs that move, for test_teleport.py and tools/torture_links."""

from __future__ import annotations

NESTED = """
import elsewhere, os, sys
def log(*words):
    print(os.getpid(), *words, flush=True)
log("hi")
def a():
    def b():
        def c():
            result = "hello"
            elsewhere.teleport(SPEC)
            return result + " world"
        return len(c()) + float("3.5")
    return 5 * (3 + b())
value = a()
log("bye", value)
"""

STDIO = """
import elsewhere, os, sys
first = sys.stdin.readline()
elsewhere.teleport(SPEC)
print("first", repr(first), "rest", repr(sys.stdin.read()))
print("errors", file=sys.stderr)
sys.exit(7)
"""

THERE_AND_FURTHER = """
import elsewhere, os
pids = [os.getpid()]
for spec in (SPEC, SPEC, "popen"):
    elsewhere.teleport(spec)
    pids.append(os.getpid())
print(len(pids), len(set(pids)))
"""

LATE = """
import elsewhere, sys
sys.path.insert(0, "HERE")
import own_early
elsewhere.teleport(SPEC)
import own_late, own_package.part
print(own_early.counter, own_late.WORD, own_package.part.WORD, own_late.__file__)
import inspect
print(inspect.getsource(own_late.shout).strip())
"""

STEPS = """
import elsewhere, sys, time
elsewhere.teleport(SPEC)
total = 0
for step in range(60):
    total += step
    print(step, flush=True)
    time.sleep(0.05)
print("total", total, flush=True)
"""

FORK = """
import elsewhere, sys
def run(values):
    child = elsewhere.fork(SPEC, values)
    if type(child) is list:
        for one in child:
            one.channel.send([one.pid > 0])
        print([one.channel.receive() for one in child], [one.wait() for one in child])
        return "parent"
    parent = elsewhere.parent()
    parent.send((child, parent.receive()))
    sys.exit(len(child))
print(run(["a", {"b": 1, "c": 2}]))
"""
