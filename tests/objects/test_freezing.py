"""elsewhere.freeze and thaw, check and explain: in bare interpreters, one that freezes and one that
thaws and has never seen the program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from conftest import Python

FREEZE = """
import asyncio, itertools, elsewhere

def counter(n):
    try:
        for i in range(n):
            got = yield i
            if got: yield ('got', got)
    finally:
        log.append('closed')

def outer(n):
    result = yield from counter(n)
    return result

async def ticks(n):
    for i in range(n):
        yield i

async def waits():
    total = 0
    async for i in ticks(4):
        total += i
        await Pause(total)
    return total

class Pause:
    def __init__(self, value): self.value = value
    def __await__(self): yield self.value

def adder(n):
    def add(x): return x + n
    return add

log = []
delegating = outer(5); next(delegating); next(delegating)
coroutine = waits(); first = coroutine.send(None), coroutine.send(None)
pairs = zip(itertools.count(3), iter('abc')); next(pairs)
sending = ticks(3).asend(None)
shared = [1]
kept = {'gen': delegating, 'coro': coroutine, 'first': first, 'pairs': pairs, 'add': adder(40),
        'sending': sending, 'log': log, 'shared': (shared, shared), 'started': counter(2)}
with open('frozen', 'wb') as file:
    file.write(elsewhere.freeze(kept))
sending.close(); coroutine.close()
"""

THAW = """
import elsewhere
kept = elsewhere.thaw(open('frozen', 'rb').read())
print(list(kept['gen']), kept['log'], kept['first'])
rest = []
try:
    while True: rest.append(kept['coro'].send(None))
except StopIteration as stop:
    print(rest, stop.value)
print(list(kept['pairs']), kept['add'](2), kept['shared'][0] is kept['shared'][1])
try:
    kept['sending'].send(None)
except StopIteration as stop:
    print(stop.value, next(kept['started']))
"""

HERE = """
import dataclasses, enum, sys
import elsewhere, own_helper

class Color(enum.Enum):
    RED, BLUE = 'red', 'blue'

class Rights(enum.Flag):
    READ, WRITE = 1, 2

class Size(int, enum.Enum):
    SMALL = 1

@dataclasses.dataclass
class Point:
    x: int
    y: int

class Bare: pass

class Loud:
    def __del__(self): print('dropped')

class Counted:
    made = 0
    def __init__(self, name):
        Counted.made += 1
        self.name = name
    def __reduce__(self): return Counted, (self.name,)

count = 0
def bump():
    global count
    count += 1
    return count

def bumps():
    while True: yield bump(), own_helper.bump()

def scaled(factor):
    def scale(x): return x * factor + count
    return scale

if sys.argv[1:] != ['thaw']:
    loud, other = Loud(), Counted('other')
    running = bumps(); next(running)
    kept = [running, Point(1, 2), Bare(), bump, own_helper.Held(), own_helper, scaled(3)]
    kept += [Counted('a'), [Color.BLUE, Rights.READ, Rights.READ | Rights.WRITE, Size.SMALL]]
    data = elsewhere.freeze(kept)
    open('frozen', 'wb').write(data)
    bump(); own_helper.bump()
else:
    loud = Loud()
    data = open('frozen', 'rb').read()
before = dict(globals())
thawed, point, bare, function, held, module, scale, counted, members = elsewhere.thaw(data)
print(point == Point(1, 2), type(held) is own_helper.Held, function is bump, module is own_helper)
print(next(thawed), next(thawed), scale(2), Counted.made, counted.name, isinstance(bare, Bare))
print(members[0] is Color.BLUE, members[2] is Rights.READ | Rights.WRITE, members[3] is Size.SMALL)
changed = {name for name in before if globals()[name] is not before[name]}
print(sorted(changed), sys.modules['own_helper'] is own_helper)
"""

OTHERS = """
import sys, types
import elsewhere
own_helper = sys.modules['own_helper'] = types.ModuleType('own_helper')
own_helper.bump = 'another'
count, Point = 100, 'mine'
def bump(): return 'not that'
before = {**globals(), 'before': None, 'kept': None}
kept = elsewhere.thaw(open('frozen', 'rb').read())
print(next(kept[0]), next(kept[0]), kept[1], kept[3] is bump, kept[4].get(), kept[6](2))
print({name for name in before if globals()[name] is not before[name]} - {'before', 'kept'})
print(own_helper.bump, sys.modules['own_helper'] is own_helper, type(kept[1]).__module__)
"""

UNUSED = """
import sys
import elsewhere, socket
unused = [socket.socket()]
used, factor = socket.socket(), 7
class Scaled:
    def __init__(self, x): self.x = x
    def value(self): return self.x * times()
    def address(self): return used
def times(): return factor
def numbers():
    while True: yield times()
running = numbers(); next(running)
data = elsewhere.freeze(running)
print(next(elsewhere.thaw(data)), elsewhere.explain(running), len(data) < 4000)
with open('frozen', 'wb') as file:
    file.write(data)
try:
    elsewhere.freeze(Scaled(2))
except elsewhere.errors.Refused as error:
    print(error.message.split(' (')[0], *(each.path for each in elsewhere.explain(Scaled(2))))
for each in (used, unused[0]): each.close()
"""

REFUSED = """
import elsewhere, elsewhere.errors, socket, threading
class Pool:
    def __init__(self): self.items = [1, socket.socket(), {'deep': socket.socket()}]
pool = Pool()
try:
    elsewhere.freeze(pool)
except elsewhere.errors.Refused as error:
    print(error.exit_code, error.message.split(' (')[0])
report = elsewhere.explain(pool)
print(bool(report), len(report), [problem.path for problem in report])
print(elsewhere.explain([1, 'a']), bool(elsewhere.explain([1])))
def running():
    try:
        elsewhere.freeze(me[0])
    except elsewhere.errors.Refused as error:
        print(error.message)
    yield
me = [running()]
next(me[0])
kept = elsewhere.freeze([1, 2])
for data in (b'', kept[:-1], kept[:-1] + bytes([kept[-1] ^ 1]), b'x' * 40):
    try:
        print(elsewhere.thaw(data))
    except elsewhere.errors.Error as error:
        print(error.exit_code)
"""

CHECK = """
import elsewhere, socket
from itertools import zip_longest
def inside():
    here = socket.socket()
    report = elsewhere.check()
    print(bool(report), [problem.path for problem in report])
    here.close()
    del here
    return [*map(lambda _: elsewhere.check(), [1])][0]
report = inside()
print(report, elsewhere.check())
list(zip_longest([1], (print(elsewhere.check().problems[0].reason) for _ in [1])))
"""


def run(python: Python, source: str, folder: Path, package: str, *arguments: str) -> str:
    script = folder / "program.py"
    script.write_text(source)
    ended = subprocess.run(
        [python.executable, "-X", "faulthandler", str(script), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": package, "PYTHONHASHSEED": "5"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not ended.stderr
    return ended.stdout


def test_a_thaw_leaves_the_program_that_it_happens_in_alone(
    python: Python, package_parent: str, tmp_path: Path
) -> None:
    (tmp_path / "own_helper.py").write_text(
        "count = [0]\n"
        "def bump():\n    count[0] += 1\n    return count[0]\n"
        "class Held:\n    def get(self): return bump()\n"
    )
    told = run(python, HERE, tmp_path, package_parent)
    assert told.splitlines() == [
        "True True True True",
        "(3, 3) (4, 4) 10 3 a True",
        "True True True",
        "['count'] True",
        "dropped",
    ]
    # The same program in another process.
    told = run(python, HERE, tmp_path, package_parent, "thaw")
    assert told.splitlines() == [
        "True True True True",
        "(1, 1) (2, 2) 8 1 a True",
        "True True True",
        "['count'] True",
        "dropped",
    ]
    # Another program, which has other things by these names.
    told = run(python, OTHERS, tmp_path, package_parent)
    assert told.splitlines() == [
        "(2, 2) (3, 3) Point(x=1, y=2) False 4 9",
        "set()",
        "another True __main__",
        "dropped",
    ]


def test_a_variable_that_cannot_be_kept_is_in_the_way_of_what_uses_it_alone(
    python: Python, package_parent: str, tmp_path: Path
) -> None:
    told = run(python, UNUSED, tmp_path, package_parent)
    assert told.splitlines() == [
        "7 everything can be kept True",
        "__main__.used: a socket __main__.used",
    ]
    thaw = "import elsewhere\nprint(next(elsewhere.thaw(open('frozen', 'rb').read())))"
    assert run(python, thaw, tmp_path, package_parent) == "7\n"


def test_what_is_frozen_in_one_process_goes_on_in_another(
    python: Python, package_parent: str, tmp_path: Path
) -> None:
    run(python, FREEZE, tmp_path, package_parent)
    assert run(python, THAW, tmp_path, package_parent).splitlines() == [
        "[2, 3, 4] ['closed'] (0, 1)",
        "[3, 6] 6",
        "[(4, 'b'), (5, 'c')] 42 True",
        "0 0",
    ]


def test_what_cannot_be_kept_is_refused_by_its_path_and_explained_at_once(
    python: Python, package_parent: str, tmp_path: Path
) -> None:
    told = run(python, REFUSED, tmp_path, package_parent).splitlines()
    assert told[0] == "64 object.items[1]: a socket"
    assert told[1] == "False 2 ['object.items[1]', \"object.items[2]['deep']\"]"
    assert told[2] == "everything can be kept True"
    assert told[3] == "object: it is running"
    assert told[4:] == ["65", "65", "65", "65"]


STREAMS = """
import bz2, gzip, io, lzma, zlib
import elsewhere

for make in [zlib.compressobj, zlib.decompressobj, bz2.BZ2Compressor, bz2.BZ2Decompressor,
             lzma.LZMACompressor, lzma.LZMADecompressor,
             lambda: gzip.GzipFile("name.gz", "wb", fileobj=io.BytesIO())]:
    stream = make()
    try:
        elsewhere.freeze(stream)
    except elsewhere.errors.Refused as error:
        print(str(error).splitlines()[0].partition(" (hint")[0])
stream.close()
"""


def test_a_compressor_in_the_middle_of_its_data_is_refused(
    python: Python, package_parent: str, tmp_path: Path
) -> None:
    told = run(python, STREAMS, tmp_path, package_parent).splitlines()
    kinds = ["Compress", "Decompress", "BZ2Compressor", "BZ2Decompressor"]
    kinds += ["LZMACompressor", "LZMADecompressor"]
    wanted = [f"object: a {kind} in the middle of its data cannot be kept" for kind in kinds]
    assert told == [*wanted, "object: 'name.gz' is a gzip file that is being written"]


def test_check_tells_what_stands_in_the_way_of_the_whole_program(
    python: Python, package_parent: str, tmp_path: Path
) -> None:
    told = run(python, CHECK, tmp_path, package_parent).splitlines()
    assert told[0].startswith("False [") and "variable 'here'" in told[0]
    assert told[1] == "everything can be kept everything can be kept"
    assert told[2].endswith("list is calling Python from C")
