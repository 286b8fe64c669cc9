"""An uncaught exception prints its traceback and ends with 1."""
import sys

from checkpoint import checkpoint


class Fatal(Exception):
    pass


def innermost(n):
    checkpoint()
    if n == 2000:
        raise Fatal(f"at {n}")
    return n


def loop():
    for n in range(5000):
        try:
            innermost(n)
        except Fatal as error:
            checkpoint()
            print("about to fail", file=sys.stderr)
            raise RuntimeError("no way on") from error


print("before", flush=True)
loop()
