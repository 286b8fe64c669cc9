"""Objects with a __del__ in which a program may be left, and the log of how they died."""
import gc
import sys
import weakref

from checkpoint import checkpoint

log = []


class Part:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        log.append(f"part of {self.name}")


class Mortal:
    kept = None

    def __init__(self, name, last=checkpoint):
        self.name = name
        self.last = last
        self.part = Part(name)
        self.reference = weakref.ref(self, lambda gone: log.append(f"{name} is gone: {gone() is None}"))

    def __del__(self):
        log.append(f"{self.name} dies")
        caller = sys._getframe(1).f_code.co_name
        self.last()
        log.append(f"{self.name} is dead, as {caller} says: {self.reference() is self}, {gc.is_finalized(self)}")


class Heir(Mortal):
    """With a cell for __class__, and a call of what it inherits."""

    def __del__(self):
        super().__del__()
        log.append(f"{self.name} had heirs")


class Failing(Mortal):
    def __del__(self, last=checkpoint):
        last()
        raise ValueError(self.name)


class Lazarus(Mortal):
    def __del__(self):
        Mortal.__del__(self)
        Mortal.kept = self
