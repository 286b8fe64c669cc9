"""A generator that is left as it goes on, ahead of its next instruction: C sends the signal."""
import os
import time

from checkpoint import checkpoint

SIGNAL = int(os.environ.get("MET_BY", "0"))  # 0 is none


def counts(n):
    for i in range(n):
        if i % 2:
            n += 0
        yield i


def adds(n, signal=0):
    numbers = counts(n)
    total = next(numbers)
    for _ in map(os.killpg, [os.getpgrp()], [signal]):
        for i in numbers:
            total += i
            if i == 3:
                break
    return total + sum(numbers)


checkpoint()
os.setpgrp()  # which a signal goes to: nobody looks for one then until something is called
print(adds(6, SIGNAL))
time.sleep(0.2)  # where it could not be left before
if adds(1):
    print("never")
