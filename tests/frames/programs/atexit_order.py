"""atexit functions run once, in reverse order, in the life that ends."""
import atexit
import functools
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Store:
    def __init__(self):
        self.kept = []

    def close(self, why):
        print("close", why, len(self.kept))


def last(*args, **kwargs):
    print("last", args, kwargs)


store = Store()
atexit.register(last, 1, key=[2])
checkpoint()
atexit.register(store.close, "bound method")
atexit.register(functools.partial(store.close, why="partial"))
unwanted = atexit.register(lambda: print("never"))
for n in range(5000 * ROUNDS):
    store.kept.append(n)
    if n % 250 == 0:
        checkpoint()
atexit.unregister(unwanted)
atexit.register(print, "first")
checkpoint()
print("end", n)
