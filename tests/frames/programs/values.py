"""Values of standard library types: dates, paths, uuids, patterns, structs, ranges, slices, tokens."""
import datetime
import pathlib
import re
import struct
import sys
import types
import uuid

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
MISSING = object()
LAYOUT = "<hIq"

day = datetime.datetime(2024, 2, 28, 23, 59, tzinfo=datetime.timezone.utc)
path = pathlib.PurePosixPath("/a/b")
space = types.SimpleNamespace(count=0, inner=types.SimpleNamespace(deep=[]))
identity = uuid.UUID(int=0x1234)
pattern = re.compile(r"(\d+)-(?P<word>\w+)", re.IGNORECASE)
view = types.MappingProxyType({"frozen": 1})
window = slice(1, 9, 2)
reach = range(5, 10**18, 7)
buffer = bytearray(b"abc")
bound, builtin, unbound = buffer.append, len, str.upper
default = {"key": MISSING}
for turn in range(3000 * ROUNDS):
    day += datetime.timedelta(hours=5, seconds=turn)
    space.count += day.minute
    packed = struct.pack(LAYOUT, turn % 1000, turn, -turn)
    bound(packed[0])
    del buffer[:-50]
    match = pattern.match(f"{turn}-Word{turn % 9}")
    groups, word = match.groups(), match["word"]
    del match  # holds its place in C, and is refused
    if turn % 100 == 0:
        checkpoint()
        assert default["key"] is MISSING and default.get("other", MISSING) is MISSING
        assert word == f"Word{turn % 9}"
        space.inner.deep.append(day.date())
    if turn % 600 == 0:
        print(day.isoformat(), path / str(turn) / "x.tar.gz", struct.unpack(LAYOUT, packed), groups)
        print(list(range(20))[window], reach[turn], unbound("up"), builtin(buffer), view["frozen"], identity)
print(space.count, len(space.inner.deep), space.inner.deep[-1], type(MISSING), NotImplemented, ...)
