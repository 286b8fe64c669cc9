"""Moving the running program: into a file and out of it.

Loaded by every program; a text as an annotation saves the import of __future__.
"""

from elsewhere._elsewhere import check, fork, snapshot, suspend, teleport

TYPE_CHECKING = False  # importing typing would cost more than all else at a start
if TYPE_CHECKING:
    import os
    from typing import NoReturn

    from elsewhere._travel.arrival import ParentChannel

__all__ = ["check", "fork", "parent", "resume", "snapshot", "suspend", "teleport"]


def resume(path: "str | os.PathLike[str]") -> "NoReturn":
    """Replace this process by the program that was suspended into the file `path`.

    The process keeps its id. Nothing of the calling program is left: no exit handler runs.

    Raises:
        elsewhere.errors.NotFound: there is no such file.
        elsewhere.errors.Damaged: the file is not what was written.
        elsewhere.errors.Unsupported: it was written by another Python than this one.
    """
    import os

    from elsewhere._replacing import replace_by

    replace_by(os.fspath(path))


def parent() -> "ParentChannel":
    """In a program that `fork` made: the channel to its parent.

    Raises:
        elsewhere.errors.UsageError: this program was not forked to here.
    """
    from elsewhere._travel import arrival

    return arrival.parent()
