"""Modules of the library that the program has changed: functions, methods, tables, ABCs, mocks."""
import collections.abc
import copy
import copyreg
import functools
import json
import random
import sys
import textwrap
from unittest import mock

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Row:
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class Dice:
    def __call__(self):
        return 4


def default(self, value):
    return f"<{type(value).__name__}>"


def pickle_row(row):
    return Row, ("copied", *row.items)


collections.abc.Sequence.register(Row)
copyreg.pickle(Row, pickle_row)
json.JSONEncoder.default = default
random.roll = Dice()
textwrap.indent = functools.partial(textwrap.indent, prefix="> ")
plain_dumps = json.dumps
json.dumps = lambda value: "dumped " + plain_dumps(value)

for turn in range(300 * ROUNDS):
    if turn % 30 == 0:
        checkpoint()
    row = Row(turn, turn + 1)
    line = json.dumps([row, {1}]), copy.copy(row).items, isinstance(row, collections.abc.Sequence)
    if turn % 100 == 0:
        print(line, random.roll(), textwrap.indent("a\nb"), type(random.roll).__name__)

with mock.patch("textwrap.dedent", lambda text: text.upper()):
    checkpoint()
    print(textwrap.dedent("loud"))
print(textwrap.dedent("  quiet"), json.dumps is plain_dumps)
with mock.patch("textwrap.shorten", return_value="short") as shorten:
    for turn in range(4):
        checkpoint()
        print(textwrap.shorten("long", width=turn), shorten.call_count)
    shorten.assert_called_with("long", width=3)
