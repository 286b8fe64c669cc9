"""Left while a lock that a library has for itself is held."""
import logging

from checkpoint import checkpoint


def held():
    return repr(logging._lock).split("count=")[1].split()[0]


checkpoint()
with logging._lock:
    checkpoint()
    logging._lock.acquire()
    checkpoint()
    print(held())
    logging._lock.release()
print(held(), logging.getLogger("one.two").name, held())
