import unittest

from checkpoint import attempt


class Second(unittest.TestCase):
    def test_second(self):
        self.fail("meant")


def load_tests(loader, tests, pattern):
    attempt()
    return tests
