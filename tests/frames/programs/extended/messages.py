"""Functions of an extension that Cython made, held while messages are packed and unpacked."""
import sys

import msgpack
from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
pack, unpack = msgpack.packb, msgpack.unpackb
held = {"pack": pack, "way": [pack, unpack, msgpack.Packer, msgpack.Timestamp]}


def exchanged(number):
    message = {"number": number, "squares": [n * n for n in range(number)], "at": msgpack.Timestamp(number)}
    sent = pack(message)
    checkpoint()
    got = held["way"][1](sent)
    return got == message and got["squares"][-1:]


for _ in range(ROUNDS):
    for number in range(4):
        print(exchanged(number), held["pack"] is msgpack.packb, held["way"][2] is msgpack.Packer)
    for wrong in (b"\xc1", b"\x92"):
        try:
            unpack(wrong)
        except ValueError as error:
            checkpoint()
            print(type(error).__name__, type(error) in msgpack.exceptions.__dict__.values(), error)
