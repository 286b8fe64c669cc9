"""examples/nested.py with pyteleport."""

import os

from pyteleport import tp_dummy


def a():
    def b():
        def c():
            result = "hello"
            tp_dummy()
            return result + " world"

        return len(c()) + float("3.5")

    return 5 * (3 + b())


began = os.getpid()
assert a() == 87.5
print(f"process {began} called a(), process {os.getpid()} has its value: 87.5")
