"""A program that measures a part of itself, and saves the data at its exit."""
import sys

import coverage
from checkpoint import checkpoint


def work(n):
    checkpoint()
    for i in range(n):
        if i == 1:
            checkpoint()
    return n


class Holder:
    def measured(self):
        self.coverage.start()
        checkpoint()  # no line of this function is
        work(2)
        checkpoint()
        return sys.gettrace() is not None


holder = Holder()
holder.coverage = coverage.Coverage(auto_data=True, include=[__file__], branch=True)
checkpoint()
print(holder.measured(), work(1))
checkpoint()
holder.coverage.stop()
checkpoint()
work(5)
checkpoint()
