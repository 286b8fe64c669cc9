"""Coroutines and async generators that are kept by what their finalizers told: told once only."""
import gc
import sys
import warnings

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


async def never_awaited():
    pass


async def numbers():
    try:
        yield 1
    finally:
        print("left")


def drop(coroutine):
    try:
        coroutine.send(None)
    except StopIteration:
        pass


kept = []
sys.set_asyncgen_hooks(finalizer=lambda generator: kept.append(generator))
for turn in range(10 * ROUNDS):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        never_awaited()
        checkpoint()
    checkpoint()
    print(turn, len(seen), seen[0].message)
    del seen
    generator = numbers()
    drop(generator.asend(None))
    del generator
    checkpoint()
    print(len(kept), type(kept[0]).__name__)
    kept.clear()
    gc.collect()
    checkpoint()
    print(len(kept))
