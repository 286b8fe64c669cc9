"""The program's own package: module globals by value, relative imports, instances across modules."""
import os
import sys

import parcel
import parcel.printer as printer
from checkpoint import checkpoint
from parcel.stock import LIMIT, Item, Stock, note

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

first_pid = os.getpid()
printer.remember(first_pid)
stock = Stock("main")
for turn in range(600 * ROUNDS):
    item = stock.add(Item(f"i{turn % 30}", turn))
    parcel.version += 1
    if turn % 10 == 0:
        checkpoint()
        note(f"turn {turn}")
    if turn % 100 == 0:
        print(turn, stock, parcel.version, len(parcel.stock.notes), LIMIT)
        parcel.stock.LIMIT += 1
printer.announce("finished")
print(printer.remembered == [first_pid], printer.said, sys.modules["parcel.stock"].Item is type(item))
print(parcel.stock.LIMIT, LIMIT, item.stock is stock, parcel.__name__, sorted(n for n in sys.modules if "parcel" in n))
