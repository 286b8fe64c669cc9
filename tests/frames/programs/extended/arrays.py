"""numpy in the middle of its work: arrays, views, dtypes, universal functions and generators."""
import sys

import numpy
from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
record = numpy.dtype([("x", "f8"), ("n", "i4")])
numpy.remembered = [7]  # the program's own in a package
operations = {"add": numpy.add, "sum": numpy.add.reduce, "root": numpy.sqrt, "kind": numpy.float32}


def work(number):
    generator = numpy.random.default_rng(number)
    matrix = numpy.arange(12, dtype=operations["kind"]).reshape(3, 4)
    rows = numpy.zeros(2, dtype=record)
    first = generator.integers(0, 100, 5)
    checkpoint()
    rows["x"] = operations["root"](matrix[0, :2] + 2)
    second = generator.integers(0, 100, 5)
    checkpoint()
    return operations["sum"](matrix).tolist(), rows.tolist(), first.tolist(), second.tolist(), matrix.dtype


def columns(matrix):
    for column in matrix.T:
        checkpoint()
        yield operations["add"](column, 1)


for number in range(ROUNDS):
    print(work(number))
    print([column.tolist() for column in columns(numpy.eye(2))])
    print(operations["add"] is numpy.add, numpy.float64(1) + 1, numpy.bool_(True) is numpy.True_, numpy.remembered)
