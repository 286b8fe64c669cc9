"""Leaves three calls deep, in the middle of an expression: `python nested.py SPEC`."""

import os
import sys

import elsewhere


def a():
    def b():
        def c():
            result = "hello"
            elsewhere.teleport(sys.argv[1])
            return result + " world"

        return len(c()) + float("3.5")

    return 5 * (3 + b())


began = os.getpid()
assert a() == 87.5
print(f"process {began} called a(), process {os.getpid()} has its value: 87.5")
