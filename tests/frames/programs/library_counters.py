"""State of libraries: plain values of classes, and what an installed package keeps to itself."""
import difflib
import json
import os
import socketserver
import sys
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
import tickets
from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

first = tickets.Ticket()
counter = tickets.Counter()
socketserver.TCPServer.allow_reuse_address = True
textwrap.TextWrapper.margin = 7
for turn in range(200 * ROUNDS):
    if turn % 10 == 0:
        checkpoint()
        json.JSONEncoder.item_separator = f" {turn} "
    ticket = tickets.Ticket()
    line = ticket.number - first.number, tickets.hand_out(), counter.count(turn % 3)
    if turn % 25 == 0:
        table = difflib.HtmlDiff().make_table(["a"], ["b"])
        print(table[table.index("difflib_chg_"):][:24])
        print(line, json.dumps([1, 2]), tickets.Ticket._count, sorted(tickets._table.rows.items()))
print(socketserver.TCPServer.allow_reuse_address, textwrap.TextWrapper.margin)
