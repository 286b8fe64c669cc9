"""Temporary files, left as they are opened, too: the library knows them by their numbers for a moment."""
import os
import sys
import tempfile

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

for turn in range(400 * ROUNDS):
    with tempfile.TemporaryFile("w+", newline="") as file:
        file.write(f"line {turn}\r\n")
        file.seek(0)
        text = file.read()
    with tempfile.NamedTemporaryFile("w+", delete=False) as named:
        named.write("line")
    path = named.name
    del named, file  # as long as they are there, nobody leaves
    with open(path) as file:
        same = file.read() == "line"
    os.unlink(path)
    if turn % 100 == 0 or not same:
        checkpoint()
        print(turn, same, repr(text))
