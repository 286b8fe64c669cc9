"""Left inside of a library that holds a lock of its own."""
import logging

from checkpoint import checkpoint


class Slow(type):
    def __call__(cls, name):
        checkpoint()
        print("making", name, "while the lock is held", held(), "times")
        return super().__call__(name)


class Loud(logging.Logger, metaclass=Slow):
    pass


def held():
    return repr(logging._lock).split("count=")[1].split()[0]


logging.setLoggerClass(Loud)
for name in ("one", "one.two", "three.four"):
    print(logging.getLogger(name).name, held())
checkpoint()
with logging._lock:
    checkpoint()
    logging._lock.acquire()
    checkpoint()
    print(held())
    logging._lock.release()
print(held())
