"""Functions of the library that a decorator has hidden are the library's own after a suspend."""
import fnmatch
import functools
import sys
import unittest.case
from contextlib import contextmanager
from typing import Literal

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


@functools.lru_cache
def own(n):
    return n * 2


@contextmanager
def managed(name):
    checkpoint()
    yield name.upper()
    checkpoint()


hidden = {
    "cached": (fnmatch._compile_pattern, fnmatch._compile_pattern.__wrapped__),
    "manager": (unittest.case._Outcome.testPartExecutor, unittest.case._Outcome.testPartExecutor.__wrapped__),
    "form": (Literal._getitem, Literal._getitem.__wrapped__),
    "own": (own, own.__wrapped__),
    "own manager": (managed, managed.__wrapped__),
}

for round in range(ROUNDS):
    outcome = unittest.case._Outcome(unittest.TestResult())
    known = {hidden["cached"][1]: "found", hidden["manager"][1]: "found, too"}
    executor = outcome.testPartExecutor(unittest.FunctionTestCase(print))
    with executor, managed("name") as name:
        checkpoint()
        print(name, executor.gen.gi_frame.f_code is executor.func.__code__ if hasattr(executor, "func") else True)
    print(Literal._getitem is hidden["form"][0], Literal[1, 2])
    for kind in ["cached", "manager", "form", "own", "own manager"]:
        wrapper, inner = hidden[kind]
        print(kind, wrapper.__wrapped__ is inner, inner.__name__, known.get(wrapper.__wrapped__))
    print(fnmatch._compile_pattern is hidden["cached"][0], bool(hidden["cached"][1]("*.py")("a.py")), own(round))
    checkpoint()
