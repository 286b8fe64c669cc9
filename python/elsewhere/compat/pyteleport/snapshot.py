"""pyteleport's snapshots in files, on elsewhere: `dump(file)` and `load(file)` of its 0.2.

What `load` returns goes on with the program in this process, as pyteleport's does, but in place
of the program that calls it, to which it does not come back.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import shutil
import tempfile

from elsewhere._elsewhere import snapshot as _snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any, NoReturn

__all__ = ["dump", "load"]

# The file in memory that a loaded program comes from, by the name that /proc shows.
_NAME = "elsewhere-pyteleport"
# What a .pyc does; the string stands for the program.
_START = "from elsewhere.compat.pyteleport.snapshot import go_on\ngo_on('PROGRAM')\n"


def dump(file: IO[bytes], stack_method: str | None = None, **kwargs: Any) -> bool | None:
    """Write the running program into a binary file.

    Args:
        file: what to write to.
        stack_method: how pyteleport reads the stack; has no effect, nor has what follows.

    Returns:
        None here, True in the program that goes on from the file.

    Raises:
        elsewhere.errors.Refused: a frame or an object cannot be kept; nothing was written.
    """
    data = program_here()
    if data is None:
        return True
    file.write(data)
    return None


def load(file: IO[bytes], **kwargs: Any) -> Callable[[], NoReturn]:
    """Read a program that was dumped; what is returned goes on with it, in this process.

    Loading is running code: only load what you trust. The call does not return: from then on this
    process is the loaded program.
    """
    data = file.read()
    return lambda: go_on(data)


def program_here() -> bytes | None:
    """The running program as a snapshot; None in the program that goes on from it.

    Raises:
        elsewhere.errors.Refused: a frame or an object cannot be kept.
    """
    folder = tempfile.mkdtemp()
    try:
        path = os.path.join(folder, "program.snap")
        if _snapshot(path):
            _close_what_was_loaded()
            return None
        with open(path, "rb") as written:
            return written.read()
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # in another life there is none


def go_on(program: bytes) -> NoReturn:
    """With a program as `program_here` gives it, in this process.

    Raises:
        elsewhere.errors.Error: this interpreter cannot go on with it.
    """
    from elsewhere._replacing import replace_by

    descriptor = os.memfd_create(_NAME, 0)  # it outlives what is executed now
    with open(descriptor, "wb", closefd=False) as memory:
        memory.write(program)
    try:
        replace_by(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def as_pyc(program: bytes) -> bytes:
    """A file that `python FILE` goes on with, where elsewhere is installed."""
    start = compile(_START, "<snapshot>", "exec")
    constants = tuple(program if one == "PROGRAM" else one for one in start.co_consts)
    # No flags, no time and no size of a source: PEP 552.
    return (
        importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(start.replace(co_consts=constants))
    )


def _close_what_was_loaded() -> None:
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith(f"/memfd:{_NAME}"):
                os.close(int(name))
        except OSError:  # that of the listing itself
            pass
