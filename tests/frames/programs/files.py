"""Reads a file line by line while writing and appending others; seek, tell and binary updates."""
import os
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
LINES = 1000 * ROUNDS

with open("input.txt", "w", encoding="utf-8") as made:
    for i in range(LINES):
        made.write(f"{i} zeile {'ä' * (i % 5)} {i * i % 97}\n")
        if i % 100 == 0:
            checkpoint()

source = open("input.txt", encoding="utf-8")
copy = open("copy.txt", "w", encoding="utf-8")
log = open("log.txt", "a", buffering=1)
index = open("index.bin", "w+b")
total = 0
for number, line in enumerate(source):
    first, *_, last = line.split()
    total += int(last)
    copy.write(line.upper())
    if number % 10 == 0:
        index.write(number.to_bytes(4, "big"))
        checkpoint()
    if number % 100 == 0:
        print(number, total, file=log)
        index.seek(max(0, index.tell() - 8))
        back = index.read(4)
        index.seek(0, os.SEEK_END)
        print(number, first, last, index.tell(), back.hex())
print("read", number + 1, "sum", total)
source.close()
copy.close()

again = open("copy.txt", encoding="utf-8")
again.readline()
place = again.tell()
checkpoint()
second = again.readline()
again.seek(place)
assert again.readline() == second
print(second.strip(), place)
raw = open("copy.txt", "rb", buffering=0)
size = 0
while chunk := raw.read(777):
    size += len(chunk)
    if size % 2:
        checkpoint()
print("size", size, os.path.getsize("copy.txt"))
update = open("copy.txt", "r+b")
update.seek(5)
update.write(b"#####")
checkpoint()
update.flush()
update.seek(0)
print(update.readline())
for file in (log, index, again, raw, update):
    file.close()
print([file.closed for file in (source, log, index)], os.path.getsize("log.txt"))
