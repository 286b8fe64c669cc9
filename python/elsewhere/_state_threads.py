"""Only the main thread's stack is kept."""

from __future__ import annotations

import _thread
import sys

from elsewhere.errors import Refused


def refuse_other_threads() -> None:
    """Raises Refused if another Python thread is alive, saying which and where it is."""
    me = _thread.get_ident()
    threading = sys.modules.get("threading")
    known = dict(getattr(threading, "_active", {}))
    for ident, frame in sys._current_frames().items():
        if ident == me:
            continue
        name = known[ident].name if ident in known else f"thread {ident}"
        code = frame.f_code
        function = getattr(code, "co_qualname", code.co_name)  # from 3.11 on
        raise Refused(
            f"{name!r} is running: {function}, {code.co_filename}:{frame.f_lineno}",
            "let it end, and join it, before suspending: only the main thread is kept",
        )
