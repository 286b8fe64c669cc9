"""Event loops whose selector is just about to watch, or not to watch any more, what wakes them up."""
import asyncio
import os
import selectors
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Selector(selectors.DefaultSelector):
    """Gets a number, which the loop has asked its end of a pair of sockets for."""

    def register(self, number, *arguments):
        attempt()  # refused: the loop is being made
        return super().register(number, *arguments)

    def unregister(self, number):
        checkpoint()
        return super().unregister(number)


for turn in range(3 * ROUNDS):
    # Descriptors that are gone when the program goes on, so that lower numbers are free then.
    others = [open(os.devnull) for _ in range(turn)]
    loop = asyncio.SelectorEventLoop(Selector())
    second = asyncio.new_event_loop()
    for file in others:
        file.close()
    checkpoint()
    print(loop.run_until_complete(asyncio.sleep(0, turn)))
    second.call_soon_threadsafe(second.stop)
    second.run_forever()
    loop.call_soon_threadsafe(loop.stop)
    loop.run_forever()
    loop.close()
    attempt()
    second.close()
    print(loop.is_closed(), second.is_closed(), loop)
