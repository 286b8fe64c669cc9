"""Tests that unittest looks for, left while it does: its loader has a name, and notes where it is."""
import os
import sys
import unittest

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
HERE = os.path.dirname(os.path.abspath(__file__))


class Lines(unittest.TestResult):
    def addSuccess(self, test):
        checkpoint()
        print(test.id(), "ok")

    def addFailure(self, test, error):
        print(test.id(), "failed", error[1])

    def addError(self, test, error):
        print(test.id(), error[0].__name__, error[1])


for turn in range(ROUNDS):
    for name in [name for name in list(sys.modules) if name.startswith("unearthed")]:
        del sys.modules[name]
    unittest.defaultTestLoader.loadTestsFromName("unearthed").run(Lines())
    checkpoint()
    loader = unittest.defaultTestLoader
    loader.discover(os.path.join(HERE, "unearthed"), "found_*.py", HERE).run(Lines())
