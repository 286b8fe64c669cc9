"""A loop over finditer, matches that are kept, a compiled struct format."""
import re
import struct
import sys

from checkpoint import attempt

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
TEXT = "alpha=1, béta=22; ☃gamma=333 delta= epsilon=5" * 4
ITEM = re.compile(r"(?P<name>\w+)=(?P<value>\d+)?")
RECORD = struct.Struct("<H5sd")

for turn in range(12 * ROUNDS):
    seen = []
    packed = bytearray()
    for match in ITEM.finditer(TEXT, turn % 7):
        seen.append(match)
        packed += RECORD.pack(match.start(), match["name"].encode()[:5], float(match["value"] or 0))
        if len(seen) % 3 == 0:
            attempt()
    empty = [m.start() for m in re.finditer(r"\b", TEXT) if m.start() % 5 or not attempt()]
    if turn % 4 == 0:
        print(len(seen), [m.span("value") for m in seen[:5]], seen[-1], seen[0].pos)
        print(sum(row[0] for row in RECORD.iter_unpack(packed)), len(empty), seen[3].lastgroup)
    assert all(m.string is TEXT and m.re is ITEM for m in seen)
