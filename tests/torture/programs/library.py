"""Runs modules of CPython's own tests: a line for every test with its verdict, no times.

usage: library.py ROUNDS test.test_grammar [test.test_with ...]
"""
import gc
import sys
import unittest


class Lines(unittest.TestResult):
    """One line per test and subtest that says more than "ok", as soon as it is known."""

    def say(self, test, verdict, error=None):
        what = f" {error[0].__name__}" if error else ""
        print(f"{test.id()} ... {verdict}{what}", flush=True)

    def addSuccess(self, test):
        self.say(test, "ok")

    def addError(self, test, error):
        self.say(test, "ERROR", error)

    def addFailure(self, test, error):
        self.say(test, "FAIL", error)

    def addSkip(self, test, reason):
        self.say(test, "skipped")

    def addExpectedFailure(self, test, error):
        self.say(test, "expected failure", error)

    def addUnexpectedSuccess(self, test):
        self.say(test, "unexpected success")

    def addSubTest(self, test, subtest, error):
        if error:
            self.say(subtest, "subtest failed", error)


def main():
    rounds, *names = sys.argv[1:]
    for number in range(int(rounds)):
        for name in names:
            # A suite drops its tests as it goes: each round gets its own.
            suite = unittest.defaultTestLoader.loadTestsFromName(name)
            result = suite.run(Lines())
            print(f"round {number}: {name}: {result.testsRun} tests", flush=True)
            gc.collect()


main()
