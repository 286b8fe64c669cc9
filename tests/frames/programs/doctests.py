"""Doctests, which put others in the place of the standard output and of functions as they run."""
import doctest
import sys
import unittest

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def counted(number):
    """
    >>> numbers = counted(3)
    >>> next(numbers)
    0
    >>> checkpoint()
    >>> sum(numbers)
    3
    >>> import sys
    >>> print("written"); checkpoint(); print("later")
    written
    later
    >>> int("x")
    Traceback (most recent call last):
    ValueError: invalid literal for int() with base 10: 'x'
    """
    for each in range(number):
        checkpoint()
        yield each


def wrong():
    """
    >>> checkpoint()
    >>> 1 + 1
    3
    """


class Lines(unittest.TestResult):
    def startTest(self, test):
        attempt()
        print(test.id(), "starts")

    def addSuccess(self, test):
        checkpoint()
        print(test.id(), "ok")

    def addFailure(self, test, error):
        checkpoint()
        print(test.id(), "failed")


for turn in range(ROUNDS):
    suite = doctest.DocTestSuite(sys.modules[__name__])
    suite.run(Lines())
    checkpoint()
    print("suite", sys.stdout is sys.__stdout__)
    print(doctest.testmod(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE))
    print(sys.stdout is sys.__stdout__, sys.displayhook is sys.__displayhook__)
