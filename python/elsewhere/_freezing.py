"""One object graph as bytes and back, and what stands in the way of keeping one."""

from __future__ import annotations

import os
import sys

from elsewhere import _elsewhere
from elsewhere._program import tag
from elsewhere.errors import Damaged, Unsupported

TYPE_CHECKING = False  # importing typing would cost more than all else at a start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# spec/snapshot.md, "An object alone"
_MAGIC = b"\x89ELO\r\n\x1a\n"
_VERSION = 2
_PROCESS_SIZE = 16

_process = b""  # says that an object was frozen in this process, or one that it was forked from


def _this_process() -> bytes:
    global _process
    if not _process:
        _process = os.urandom(_PROCESS_SIZE)
    return _process


def freeze(obj: object) -> bytes:
    """Return `obj`, and everything that it reaches, as bytes.

    Generators, coroutines, async generators, iterators, closures, classes and instances of the
    program's own are kept as they stand; what belongs to an installed library is kept by name.
    Functions come with the variables of their modules; where one of these cannot be kept, only with
    those that some function among them names. Nothing is changed.

    Raises:
        elsewhere.errors.Refused: something cannot be kept; the message begins with the path to it.
    """
    from binascii import crc32

    stream = _elsewhere.freeze(obj)
    name = tag().encode()
    head = bytes([_VERSION, len(name)]) + name + _this_process()
    return b"".join((_MAGIC, head, crc32(stream).to_bytes(4, "little"), stream))


def thaw(data: bytes | bytearray | memoryview) -> Any:
    """Return a new object like the one that `freeze` made `data` of.

    Modules of the program that are imported here already, from the same file, are left alone, and
    so are their functions and classes, which the object then uses: `isinstance` knows it. In any
    other process they come with the object; where another module of that name is imported, or
    `__main__` is another program, the object has them to itself.

    Thawing runs code that the data names: only thaw what you trust.

    Raises:
        elsewhere.errors.Damaged: this is not what freeze returned.
        elsewhere.errors.Unsupported: another Python, or another version of elsewhere, made it.
    """
    from binascii import crc32

    view = memoryview(data).cast("B")
    begin = len(_MAGIC)
    if bytes(view[:begin]) != _MAGIC or len(view) < begin + 2:
        raise Damaged("these bytes are no frozen object", "give what elsewhere.freeze returned")
    version, length = view[begin], view[begin + 1]
    if version != _VERSION:
        age = "a newer" if version > _VERSION else "an older"
        raise Unsupported(
            f"the object is frozen in format {version}, and this is format {_VERSION}",
            f"thaw it with {age} elsewhere",
        )
    begin += 2
    made_by = bytes(view[begin : begin + length]).decode("ascii", "replace")
    begin += length
    process = bytes(view[begin : begin + _PROCESS_SIZE])
    begin += _PROCESS_SIZE
    checksum = int.from_bytes(view[begin : begin + 4], "little")
    stream = view[begin + 4 :]
    if crc32(stream) != checksum:
        raise Damaged("the frozen object is damaged", "give what elsewhere.freeze returned")
    if made_by != tag():
        raise Unsupported(
            f"the object was frozen by {made_by}, and this is {tag()}",
            "thaw it with the Python that froze it",
        )
    try:
        return _elsewhere.thaw(stream, process == _process)
    finally:
        if (iterators := sys.modules.get("elsewhere._keep.iterators")) is not None:
            iterators.forget_walks()


class Problem:
    """One thing that cannot be kept.

    Attributes:
        path: what leads to it, such as `object.pool[3]`, or the function that is in the way.
        reason: why it cannot be kept.
        hint: what to do about it; may be empty.
    """

    def __init__(self, path: str, reason: str, hint: str) -> None:
        self.path, self.reason, self.hint = path, reason, hint

    def __str__(self) -> str:
        text = f"{self.path}: {self.reason}" if self.path else self.reason
        return f"{text} (hint: {self.hint})" if self.hint else text

    def __repr__(self) -> str:
        return f"<Problem {self}>"


class Report:
    """All that stands in the way: true if there is nothing.

    Attributes:
        problems: each thing that cannot be kept, in the order in which they were met.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def __bool__(self) -> bool:
        return not self.problems

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems)) or "everything can be kept"

    def __repr__(self) -> str:
        return f"<Report: {len(self.problems)} problems>"


def make_report(found: list[tuple[str, str, str]]) -> Report:
    return Report([Problem(*each) for each in found])


def explain(obj: object) -> Report:
    """Tell everything in the graph of `obj` that cannot be kept. Changes nothing."""
    return make_report(_elsewhere.explain(obj))
