"""Generator expressions with `async for` and `await`, left before, in and behind their first step."""
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


async def numbers(count):
    for number in range(count):
        checkpoint()
        yield number


class Counting:
    """Says at each step of the protocol that it is asked."""

    def __init__(self, count, say):
        self.left = count
        self.say = say

    def __aiter__(self):
        attempt()
        self.say.append("aiter")
        return self

    async def __anext__(self):
        checkpoint()
        if self.left == 0:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


class Listed:
    def __init__(self, *items):
        self.items = items

    def __iter__(self):
        attempt()
        return iter(self.items)


class Step:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        checkpoint()
        return (yield self.value)


async def collected(expression):
    found = []
    async for item in expression:
        checkpoint()
        found.append(item)
    return found


def driven(coroutine):
    sent = None
    while True:
        try:
            sent = coroutine.send(sent)
        except StopIteration as end:
            return end.value
        checkpoint()
        sent = sent * 10


async def both():
    say = []
    squares = (number * number async for number in numbers(3))
    pairs = (
        (one, other) async for one in Counting(2, say) async for other in numbers(one + 1) if other < 2
    )
    awaited = (await Step(item) for item in Listed(1, 2))
    checkpoint()
    first = await squares.__anext__()
    checkpoint()
    results = first, await collected(squares), await collected(pairs), await collected(awaited)
    checkpoint()
    ended = squares
    checkpoint()
    return results, say, await collected(ended), ended.ag_running


for turn in range(2 * ROUNDS):
    unused = (each async for each in numbers(turn))
    print(turn, driven(both()), type(unused).__name__)
    try:
        (each async for each in [turn]).__anext__().send(None)
    except TypeError as error:
        print(error)
