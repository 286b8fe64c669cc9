"""The frame that is left is one that is measured, and not checkpoint's."""
import sys

from checkpoint import FILE, here


def counts(n):
    for i in range(n):
        here()(FILE)
        if i % 2:
            yield i
        else:
            continue
        here()(FILE)


def turned_off(n):
    tracer = sys.gettrace()
    sys.settrace(None)
    n += 1
    n += 1
    sys.settrace(tracer); here()(FILE)  # the line that began last is another one
    if n:
        here()(FILE)
    return n


class Body:
    here()(FILE)
    kept = [here()(FILE) is None for i in range(3) if i]


here()(FILE)
print(*counts(4), turned_off(1), len(Body.kept))
