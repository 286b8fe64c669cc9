"""Coroutines, async generators, async for and async with, driven by hand with send."""
import collections
import sys

from checkpoint import attempt  # an async generator in use is refused

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []


class Switch:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        attempt()
        got = yield self.value
        return got


async def add(a, b):
    first = await Switch(a)
    attempt()
    second = await Switch(b)
    return first + second


async def numbers(n):
    try:
        for i in range(n):
            attempt()
            await Switch(("tick", i))
            yield i
    finally:
        attempt()
        log.append("numbers closed")


class Session:
    async def __aenter__(self):
        await Switch("enter")
        attempt()
        return self

    async def __aexit__(self, *details):
        attempt()
        await Switch("exit")
        log.append(details[0] and details[0].__name__)
        return True


async def task(name, n):
    total = 0
    async with Session():
        async for i in numbers(n):
            total += await add(i, name)
            if i == 6:
                raise LookupError(name)
    squares = [x * x async for x in numbers(4)]
    attempt()
    return name, total, squares


def run(tasks):
    ready, results = collections.deque((t, None) for t in tasks), []
    while ready:
        task, value = ready.popleft()
        try:
            asked = task.send(value)
        except StopIteration as stop:
            results.append(stop.value)
        else:
            ready.append((task, asked if isinstance(asked, int) else None))
    return results


for turn in range(15 * ROUNDS):
    found = run([task(name, 3 + name * 2) for name in range(5)])
    if turn % 5 == 0:
        print(turn, found, log[-4:])
    del log[:-4]
unfinished = task(9, 9)
print(unfinished.send(None), unfinished.cr_frame.f_lineno)
attempt()
unfinished.close()
print(log[-1], unfinished.cr_frame)
