"""Tests that are found by discovery: by the program's, and then by the package's own."""
import os

from checkpoint import attempt

attempt()


def load_tests(loader, tests, pattern):
    attempt()
    return loader.discover(os.path.dirname(__file__), pattern or "found_*.py")
