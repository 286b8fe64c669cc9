"""What may confuse one who counts lines and branches: every way into a frame and out of it."""
import asyncio
import contextlib
import sys
import threading

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def branches(n):
    if n % 2:
        checkpoint()
    elif n % 3:
        n += 1
    for i in range(n):
        if i == 2:
            checkpoint()
            continue
        if i > 3:
            break
    else:
        checkpoint()
    while n > 0: n -= 2
    return "odd" if n else "even"


def spread(n):
    return branches(
        n
    ) + branches(
        len(
            [branches(i) for i in range(2)]
        )
    )


def counts(n):
    for i in range(n):
        checkpoint()
        try:
            got = yield i
        except ValueError:
            checkpoint()
            got = None
        if got:
            checkpoint()


def delegates(n):
    checkpoint()
    yield from counts(n)
    checkpoint()


@contextlib.contextmanager
def managed(n):
    try:
        yield n
    finally:
        checkpoint()


def raises(n):
    with managed(n) as m:
        if m:
            checkpoint()
            raise KeyError(m)
    return n


def catches(n):
    try:
        return raises(n)
    except KeyError as error:
        checkpoint()
        return error.args
    finally:
        checkpoint()


def recurses(n):
    if n == 0:
        checkpoint()
        return 0
    return 1 + recurses(n - 1)


async def waits(n):
    if n:
        await asyncio.sleep(0)
        checkpoint()
        return await waits(n - 1)
    return n


async def streams(n):
    async for i in numbers(n):
        checkpoint()
    return [j async for j in numbers(n)]


async def numbers(n):
    for i in range(n):
        yield i
        checkpoint()


class Body:
    checkpoint()
    if ROUNDS:
        kept = [i for i in range(3) if i]

    def __init__(self):
        checkpoint()

    def __eq__(self, other):
        checkpoint()
        return True


def threads(n):
    seen = []

    def inside():
        if n:
            seen.append(n)
        else:
            seen.append("none")

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    return seen


def turned_off(n):
    tracer = sys.gettrace()
    sys.settrace(None)
    recurses(2)
    sys.settrace(tracer)
    if n:
        checkpoint()
    return n


def everything(n):
    stream = delegates(3)
    got = [next(stream), next(stream), stream.send("x")]
    got.extend(stream)
    thrown = counts(3)
    got += [next(thrown), thrown.throw(ValueError()), *thrown]
    half = counts(9)
    got.append(next(half))
    got += [spread(n), catches(n), catches(0), recurses(3), sorted([3, 1], key=lambda x: branches(x))]
    got += [asyncio.run(waits(2)), asyncio.run(streams(2)), Body() == Body(), Body.kept]
    got += [threads(n), turned_off(n), next(half)]
    return got


for turn in range(2 * ROUNDS):
    print(turn, everything(turn % 4))
