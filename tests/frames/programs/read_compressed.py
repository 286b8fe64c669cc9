"""Compressed files and members of archives that are being read, line by line and with bytes left over."""
import bz2
import csv
import gzip
import io
import lzma
import os
import sys
import tarfile
import zipfile

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
LINES = [f"{n},line {n * n} of {'x' * (n % 50)}\n" for n in range(2000)]
TEXT = "".join(LINES).encode()

for name, module in [("text.gz", gzip), ("text.bz2", bz2), ("text.xz", lzma)]:
    with open(name, "wb") as file:
        file.write(module.compress(TEXT))
with gzip.open("text.gz", "ab") as written:  # a second member
    written.write(b"the end\n")
with zipfile.ZipFile("texts.zip", "w") as archive:
    archive.writestr("deflated", TEXT, zipfile.ZIP_DEFLATED)
    archive.writestr("stored", TEXT, zipfile.ZIP_STORED)
with tarfile.open("texts.tgz", "w:gz") as archive:
    archive.add("text.bz2")


def lines(file, every):
    total = 0
    for number, line in enumerate(file):
        total = (total * 31 + len(line)) % 1_000_003
        if number % every == every - 1:
            checkpoint()
    return number + 1, total


for round in range(ROUNDS):
    for name, module in [("text.gz", gzip), ("text.bz2", bz2), ("text.xz", lzma)]:
        with module.open(name, "rt") as file:
            print(name, lines(file, 700))
        with module.open(name) as file:
            start = file.read(1234)
            checkpoint()
            print(len(start), file.tell(), file.readline(), file.read(70000) == TEXT[file.tell() - 70000 : file.tell()])
            checkpoint()
            file.seek(100)
            print(file.read(20))
    with gzip.open("text.gz", "rt", newline="") as file:
        rows = csv.reader(file)
        print(next(rows))
        checkpoint()
        print(next(rows), sum(len(row) for row in rows))
    with zipfile.ZipFile("texts.zip") as archive, archive.open("deflated") as file:
        print(len(file.read(5000)), file.peek(1)[:1])
        checkpoint()
        print(file.readline(), lines(file, 1500), file.read())
        with archive.open("stored") as other, io.TextIOWrapper(archive.open("deflated")) as text:
            print(other.readline(), text.readline())
            checkpoint()
            print(other.readline(), text.readline(), archive.testzip())
    with tarfile.open("texts.tgz") as archive, bz2.open(archive.extractfile("text.bz2")) as file:
        print(file.readline())
        checkpoint()
        print(file.readline(), archive.getnames())
    at_the_end = gzip.open("text.gz")
    print(len(at_the_end.read()))
    checkpoint()
    print(at_the_end.read(), at_the_end.tell())
    at_the_end.close()
    checkpoint()
    print(at_the_end.closed, written.closed)
for name in ["text.gz", "text.bz2", "text.xz", "texts.zip", "texts.tgz"]:
    os.remove(name)  # they have the time in them
