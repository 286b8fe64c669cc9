"""What is captured and rebuilt again and again in one process leaves nothing behind.

Blocks of memory are counted; on a debug build of CPython, every reference.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import Python

PRELUDE = """
import array, collections, enum, functools, gc, itertools, re, sys, types, warnings, weakref
import elsewhere
from elsewhere.errors import Refused

warnings.simplefilter("ignore")
count = getattr(sys, "gettotalrefcount", sys.getallocatedblocks)

class Node:
    def __init__(self, value):
        self.value, self.me = value, self
    def method(self):
        return self.value

class Slotted:
    __slots__ = ("a", "b", "__weakref__")

class Color(enum.Enum):
    RED = 1

def generating(n):
    for i in range(n):
        yield i

def started(made):
    next(made)
    return made

def closing():
    kept = [1]
    def inner():
        return kept
    return inner

def caught():
    try:
        1 / 0
    except ZeroDivisionError as error:
        return error

node = Node(3)
MAKERS = {
    "instance": lambda: Node([1, "a"]),
    "slots": Slotted,
    "generator": lambda: started(generating(5)),
    "new generator": lambda: generating(2),
    "closure": closing,
    "lambda": lambda: lambda x: x + 1,
    "class": lambda: Node,
    "made class": lambda: type("Made", (Node,), {"a": 1}),
    "enumeration": lambda: Color.RED,
    "bound method": lambda: node.method,
    "partial": lambda: functools.partial(generating, 3),
    "iterators": lambda: [started(iter([1, 2])), started(itertools.count(3)), zip([1], [2]),
                          itertools.chain([1], [2]), iter({"a": 1}.items()), map(str, [1])],
    "containers": lambda: [{1, "a"}, frozenset("ab"), collections.deque([1]), bytearray(b"a"),
                           collections.OrderedDict(a=1), collections.defaultdict(list, a=[1])],
    "exception": caught,
    "weak reference": lambda: [node, weakref.ref(node)],
    "cache": lambda: functools.lru_cache(generating),
    "namespace": lambda: [types.SimpleNamespace(a=1), property(generating), types.CellType(1)],
    "pattern": lambda: [re.compile("a+b"), 10**50, 1.5, b"x" * 1000],
}

def growth(function, rounds=60):
    found = array.array("q", [0]) * rounds  # its numbers are no objects
    for i in range(rounds):
        function()
        sys._clear_type_cache()  # it holds names that were asked for, until others take their place
        gc.collect()
        found[i] = count()
    return min(found[-15:]) - min(found[15:30])

def report(name, function):
    grown = growth(function)
    if grown >= 30:  # one for each round: that is one for each of them
        print(name, "leaves", grown, "behind in 30 rounds")
"""

FREEZING = """
def frozen(make):
    return lambda: elsewhere.freeze(make())

def thawed(make):
    return lambda: elsewhere.thaw(elsewhere.freeze(make()))

for name, make in MAKERS.items():
    report("freezing: " + name, frozen(make))
    report("thawing: " + name, thawed(make))
print("done")
"""

FAILING = """
import socket
everything = [make() for make in MAKERS.values()]
data = elsewhere.freeze(everything)

def refused():
    held = socket.socket()
    try:
        elsewhere.freeze([make() for make in MAKERS.values()] + [held])
    except Refused:
        return
    finally:
        held.close()
    raise AssertionError("it was kept")

def damaged(at):
    broken = bytearray(data)
    broken[at] ^= 255
    try:
        elsewhere.thaw(bytes(broken))
    except Exception:
        pass

report("a refused object", refused)
for at in range(10, len(data), len(data) // 6):
    report(f"damage at {at}", lambda: damaged(at))
report("explain", lambda: elsewhere.explain(everything))
print("done")
"""

SNAPSHOTS = """
kept = [make() for make in MAKERS.values()]

def inside(n):
    if n:
        return [inside(n - 1)]
    return elsewhere.snapshot("leaks.snap")

def with_frames():
    for _ in generating(1):
        with warnings.catch_warnings():
            assert inside(5) == [[[[[False]]]]]

def refused():
    try:
        sorted([2, 1], key=lambda _: [elsewhere.snapshot("leaks.snap"), held][1])
    except Refused:
        return
    raise AssertionError("it was kept")

report("a snapshot", with_frames)
import socket
held = socket.socket()
report("a refused snapshot", refused)
held.close()
held = None
report("check", elsewhere.check)
print("done")
"""


@pytest.mark.parametrize(
    "source", [FREEZING, FAILING, SNAPSHOTS], ids=["freeze", "fail", "snapshot"]
)
def test_rounds_of_it_leave_nothing_behind(
    source: str, python: Python, command: str, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(PRELUDE + source)
    ran = subprocess.run(
        [command, "run", "--python", python.executable, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("done\n", "", 0)
