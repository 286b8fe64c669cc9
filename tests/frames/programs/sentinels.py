# needs Python 3.15
"""Sentinels are the same objects after a resume, whatever the variables are called that have them."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
MISSING = sentinel("MISSING")
_hidden = sentinel("HIDDEN", repr="<hidden>")


class Table:
    absent = sentinel("ABSENT")

    def find(self, key=MISSING, *, default=_hidden):
        checkpoint()
        return key is MISSING, default is _hidden, default is Table.absent


for turn in range(100 * ROUNDS):
    local = sentinel(f"LOCAL{turn}")
    kept = {local: turn, MISSING: 1}
    checkpoint()
    row = Table().find(), Table().find(1, default=Table.absent), kept[local], kept[MISSING]
    if turn % 25 == 0:
        print(row, MISSING, _hidden, local, local.__module__, Table.absent | int)
