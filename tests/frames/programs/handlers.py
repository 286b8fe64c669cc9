"""Active handlers: bare raise, sys.exc_info, and nested handlers."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Broken(Exception):
    def __init__(self, number):
        super().__init__(f"broken {number}")
        self.number = number


def work(n):
    total = 0
    for i in range(n % 40):
        total += i ^ n
    return total


def failing(n):
    work(n)
    raise Broken(n)


def reraised(n):
    try:
        failing(n)
    except Broken as error:
        checkpoint()
        work(n)
        assert sys.exc_info()[1] is error
        raise


def nested(n):
    try:
        reraised(n)
    except (ValueError, Broken) as outer:
        try:
            {}["missing"]
        except KeyError as inner:
            checkpoint()
            assert sys.exc_info()[1] is inner
            assert inner.__context__ is outer
            where = inner.args[0]
        checkpoint()
        assert sys.exc_info()[1] is outer
        return outer.number, where, type(sys.exc_info()[1]).__name__
    finally:
        work(n)
        checkpoint()


def replaced(n):
    try:
        try:
            failing(n)
        except Broken as error:
            checkpoint()
            raise RuntimeError("replaced") from error
    except RuntimeError as error:
        checkpoint()
        return str(error.__cause__), error.__suppress_context__


for turn in range(400 * ROUNDS):
    result = nested(turn)
    other = replaced(turn)
    if turn % 100 == 0:
        print(result, other)
assert sys.exc_info() == (None, None, None)
print("no exception left", turn)
