"""Left in the middle of a method of an object that a library has under a name, and that has no __dict__."""

import sys
import typing

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

describe, length = typing.ClassVar.__repr__, 0
for turn in range(100 * ROUNDS):
    for again in range(500):
        length += len(describe() + describe() + describe() + describe() + repr(typing.Final))
    if turn % 20 == 0:
        checkpoint()
        print(length, typing.ClassVar[int])
