"""generator.throw() and close() that come down through yield from, with work in the handlers."""
import sys
from contextlib import contextmanager

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []


def inner(n):
    total = 0
    while True:
        try:
            total += yield total
        except ValueError as error:
            checkpoint()
            log.append((n, str(error), sys.exc_info()[1] is error))
            total += 100
        finally:
            attempt()  # close() through a delegation is refused


def outer(n):
    result = yield from inner(n)
    return result


@contextmanager
def guarded(n):
    checkpoint()
    try:
        yield from iter_one(n)
    except LookupError as error:
        checkpoint()
        log.append(repr(error))


def iter_one(n):
    try:
        yield n
    except KeyError:
        checkpoint()
        raise LookupError(n) from None


for turn in range(60 * ROUNDS):
    generator = outer(turn)
    next(generator)
    seen = [generator.send(turn), generator.throw(ValueError(str(turn))), generator.send(1)]
    generator.close()
    with guarded(turn) as got:
        seen.append(got)
        raise KeyError(turn)
    if turn % 15 == 0:
        print(turn, seen, log[-2:])
