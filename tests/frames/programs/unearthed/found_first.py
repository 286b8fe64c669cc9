import unittest

from checkpoint import attempt, checkpoint

attempt()


class First(unittest.TestCase):
    def test_first(self):
        checkpoint()
        self.assertTrue(True)


def load_tests(loader, tests, pattern):
    attempt()
    return tests
