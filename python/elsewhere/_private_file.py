"""Files that nobody else may read."""

from __future__ import annotations

import os
import tempfile


def write_private(path: str, content: bytes) -> None:
    """To a file that is new and ours alone, also where others may write into the folder.

    It takes the place of another in one step: whoever is killed meanwhile leaves that one whole.
    """
    fd, new = tempfile.mkstemp(prefix=".elsewhere-", dir=os.path.dirname(path) or ".")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(fd)
        os.rename(new, path)
    except BaseException:
        os.unlink(new)
        raise
