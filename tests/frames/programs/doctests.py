"""Doctests, which put other things in place of the standard output and of functions as they run."""

import doctest
import sys
import unittest


def counted(number):
    """
    >>> numbers = counted(3)
    >>> next(numbers)
    0
    >>> sum(numbers)
    3
    >>> import sys
    >>> sys.stdout.write("written\\n")
    written
    8
    >>> int("x")
    Traceback (most recent call last):
    ValueError: invalid literal for int() with base 10: 'x'
    """
    yield from range(number)


def wrong():
    """
    >>> 1 + 1
    3
    """


class Lines(unittest.TestResult):
    def addSuccess(self, test):
        print(test.id(), "ok")

    def addFailure(self, test, error):
        print(test.id(), "failed")


if __name__ == "__main__":
    suite = doctest.DocTestSuite(sys.modules[__name__])
    suite.run(Lines())
    print("suite", sys.stdout is sys.__stdout__)
    print(doctest.testmod(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE))
    print(sys.stdout is sys.__stdout__)
