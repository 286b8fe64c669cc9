"""generator.throw() and close() that come down through yield from, with work in the handlers."""
import sys
from contextlib import contextmanager

from checkpoint import checkpoint

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
            checkpoint()
            log.append(("left", n))


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


def stubborn(n):
    try:
        yield n
    except GeneratorExit:
        checkpoint()
        log.append("closing")
        raise
    finally:
        checkpoint()


def through(n):
    try:
        yield from outer_of(n)
    finally:
        checkpoint()
        log.append("through")


def outer_of(n):
    try:
        return (yield from stubborn(n))
    finally:
        log.append("outer")
        checkpoint()


def ignoring():
    try:
        yield 1
    except GeneratorExit:
        checkpoint()
        yield 2


def over_ignoring():
    try:
        yield from ignoring()
    finally:
        checkpoint()


def closings(n):
    generator = through(n)
    next(generator)
    generator.close()
    generator = over_ignoring()
    next(generator)
    try:
        generator.close()
    except RuntimeError as error:
        log.append(str(error))
    return generator.gi_frame


async def waiting(n):
    try:
        await Still()
    finally:
        checkpoint()
        log.append(("awaited", n))


async def outside(n):
    try:
        await waiting(n)
    finally:
        checkpoint()


class Still:
    def __await__(self):
        yield 1


for turn in range(60 * ROUNDS):
    generator = outer(turn)
    next(generator)
    seen = [generator.send(turn), generator.throw(ValueError(str(turn))), generator.send(1)]
    generator.close()
    with guarded(turn) as got:
        seen.append(got)
        raise KeyError(turn)
    seen.append(closings(turn) is None)
    coroutine = outside(turn)
    coroutine.send(None)
    coroutine.close()
    if turn % 15 == 0:
        print(turn, seen, log[-12:])
