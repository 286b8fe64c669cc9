"""Modules of the library that the program has changed: functions, values, tables, ABCs, mocks."""
import collections.abc
import copy
import copyreg
import functools
import json
import math
import os
import random
import string
import sys
import textwrap
import threading
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
mine = os.my_list = []
os.my_table = {"mine": mine, "lock": threading.Lock()}
json.encoder.INFINITY = 1e300
textwrap.tau = math.tau
string.punctuation = "!"
math.squares = [n * n for n in range(4)]
os.my_root = math.sqrt
textwrap.fill = str.upper
del string.octdigits

for turn in range(300 * ROUNDS):
    if turn % 30 == 0:
        checkpoint()
    row = Row(turn, turn + 1)
    line = json.dumps([row, {1}]), copy.copy(row).items, isinstance(row, collections.abc.Sequence)
    if turn % 100 == 0:
        print(line, random.roll(), textwrap.indent("a\nb"), type(random.roll).__name__)

    mine.append(turn)

print(os.my_list is mine is os.my_table["mine"], len(mine), os.my_table["lock"].locked())
print(json.encoder.INFINITY, textwrap.tau, string.punctuation, math.squares, os.my_root is math.sqrt)
print(hasattr(string, "octdigits"), string.hexdigits, textwrap.fill("upper"))

with mock.patch("textwrap.dedent", lambda text: text.upper()):
    checkpoint()
    print(textwrap.dedent("loud"))
print(textwrap.dedent("  quiet"), json.dumps is plain_dumps)
with mock.patch("textwrap.shorten", return_value="short") as shorten:
    for turn in range(4):
        checkpoint()
        print(textwrap.shorten("long", width=turn), shorten.call_count)
    shorten.assert_called_with("long", width=3)
