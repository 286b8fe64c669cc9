"""sys.exit's code, through finally and atexit, is the program's own."""
import atexit
import sys

from checkpoint import checkpoint


@atexit.register
def goodbye():
    print("goodbye", total)


total = 0
try:
    for n in range(3000):
        total += n * n % 7
        if n % 100 == 0:
            checkpoint()
    sys.exit(3)
except SystemExit as leaving:
    checkpoint()
    print("leaving with", leaving.code)
    raise
finally:
    checkpoint()
    print("finally", total)
