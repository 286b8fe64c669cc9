"""What was read ahead from standard input and not yet given to the program goes along."""

from __future__ import annotations

import io
import os
import stat
import sys

from elsewhere import _elsewhere
from elsewhere._keep import files

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def capture_stdin() -> dict[str, Any] | None:
    text, buffered = _layers()
    if text is None:
        return None
    status = os.fstat(0)
    regular = stat.S_ISREG(status.st_mode)
    kept = {
        # A redirected file is the same one if it is given again; its offset goes along.
        "file": (status.st_dev, status.st_ino) if regular else None,
        "offset": os.lseek(0, 0, os.SEEK_CUR) if regular else 0,
        "ahead": _elsewhere.layout_read_ahead(buffered),
        "position": files.text_position(text),
        "encoding": text.encoding,
    }
    untouched = not (kept["offset"] or kept["ahead"] or kept["position"]["decoded"])
    return None if untouched else kept


def _layers() -> tuple[Any, Any]:
    text = sys.__stdin__
    if type(text) is not io.TextIOWrapper or text.closed:
        return None, None
    if _elsewhere.layout_get(text, "detached", 0) or type(text.buffer) is not io.BufferedReader:
        return None, None
    return text, text.buffer


def restore_stdin(kept: dict[str, Any]) -> None:
    from elsewhere.errors import InputOutputError

    text, buffered = _layers()
    status = os.fstat(0) if text is not None else None
    if status is not None and kept["file"] == (status.st_dev, status.st_ino):
        os.lseek(0, kept["offset"], os.SEEK_SET)
    if not (kept["ahead"] or kept["position"]["decoded"]):
        return
    if text is None:
        raise InputOutputError(
            "the program had read ahead from its standard input, and there is none now",
            "resume it with a standard input",
        )
    if text.encoding != kept["encoding"]:
        text.reconfigure(encoding=kept["encoding"])
    _elsewhere.layout_set_read_ahead(buffered, kept["ahead"])
    files.set_text_position(text, kept["position"])
