"""Events of generators that throw() comes down through by yield from or await, left inside of it."""
import sys
from contextlib import contextmanager

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
events = []


def note(frame, event, argument):
    if frame.f_code.co_filename != __file__ or frame.f_code.co_name[0] == "_":
        return None
    if event == "exception":
        argument = argument[0].__name__
    events.append((frame.f_code.co_name, event, frame.f_lineno, argument))
    return note


def profile(frame, event, argument):
    if frame.f_code.co_filename == __file__ and frame.f_code.co_name[0] != "_":
        if event in ("call", "return"):
            events.append((frame.f_code.co_name, "profiled " + event, frame.f_lineno))


def inner(n):
    while True:
        try:
            n += yield n
        except ValueError:
            checkpoint()
            n += 100
            checkpoint()
        except KeyError:
            checkpoint()
            return n
        except IndexError as error:
            checkpoint()
            raise LookupError(n) from error


def outer(n):
    got = yield from inner(n)
    checkpoint()
    yield got
    checkpoint()
    return got


def catching(n):
    try:
        yield from inner(n)
    except LookupError:
        checkpoint()
        yield "caught"
    finally:
        n += 1


def outermost(n):
    try:
        return (yield from outer(n))
    except LookupError:
        checkpoint()
        yield "outermost"


@contextmanager
def managed(n):
    yield from _tried(n)


def _tried(n):
    try:
        yield n
    except ValueError:
        checkpoint()


async def waits(n):
    got = 0
    while True:
        try:
            got += await Still(n)
        except ValueError:
            checkpoint()
            got += 1
        except KeyError:
            checkpoint()
            return got


async def awaits(n):
    got = await waits(n)
    checkpoint()
    return got


class Still:
    def __init__(self, n):
        self.n = n

    def __await__(self):
        return (yield self.n)


def sees(generator):
    frames = []
    try:
        generator.throw(ValueError())
        frames.append(generator.gi_frame.f_lineno)
        generator.throw(IndexError())
    except (LookupError, StopIteration) as error:
        checkpoint()
        traceback = error.__traceback__
        while traceback is not None:
            frames.append((traceback.tb_frame.f_code.co_name, traceback.tb_lineno))
            traceback = traceback.tb_next
    return frames


def everything(n):
    got = []
    for make in (outer, catching, outermost):
        generator = make(n)
        got += [next(generator), generator.throw(ValueError("a")), generator.send(1)]
        got += [generator.throw(ValueError("b")), generator.gi_yieldfrom.__name__]
        got += [generator.send(2)]
        try:
            got += [generator.throw(KeyError()), *generator]
        except StopIteration as error:
            got += [error.value]
        generator = make(n)
        next(generator)
        got += sees(generator)
        generator.close()  # on 3.12 and 3.13 a collection would, at some time
    for thrown in (ValueError, KeyError):
        coroutine = awaits(n)
        coroutine.send(None)
        try:
            got += [coroutine.throw(thrown()), coroutine.cr_await.__name__]
            got += [coroutine.throw(ValueError()), coroutine.send(3)]
            coroutine.throw(KeyError())
        except StopIteration as error:
            got += [error.value]
    with managed(n):
        raise ValueError(n)
    return got


for turn in range(4 * ROUNDS):
    events.clear()
    if turn % 4 != 3:
        sys.settrace(note)
    if turn % 4 > 1:
        sys.setprofile(profile)
    got = everything(turn)
    sys.setprofile(None)
    sys.settrace(None)
    if turn < 4:
        print(turn, got)
        for event in events:
            print("  ", *event)
