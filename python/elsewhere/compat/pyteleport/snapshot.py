"""pyteleport's snapshots in files: `dump(file)` and `load(file)`, on elsewhere.

What `load` returns goes on with the program in this process, as pyteleport's does, but in place
of the program that calls it, to which it does not come back.
"""

from __future__ import annotations

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
    folder = tempfile.mkdtemp()
    try:
        path = os.path.join(folder, "program.snap")
        if _snapshot(path):
            _close_what_was_loaded()
            return True
        with open(path, "rb") as written:
            file.write(written.read())
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # in another life there is none


def load(file: IO[bytes], **kwargs: Any) -> Callable[[], NoReturn]:
    """Read a program that was dumped; what is returned goes on with it, in this process.

    Loading is running code: only load what you trust. The call does not return: from then on this
    process is the loaded program.
    """
    data = file.read()

    def go_on() -> NoReturn:
        from elsewhere._replacing import replace_by

        descriptor = os.memfd_create(_NAME, 0)  # it outlives what is executed now
        with open(descriptor, "wb", closefd=False) as memory:
            memory.write(data)
        try:
            replace_by(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)

    return go_on


def _close_what_was_loaded() -> None:
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith(f"/memfd:{_NAME}"):
                os.close(int(name))
        except OSError:  # that of the listing itself
            pass
