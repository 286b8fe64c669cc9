"""Only the main thread's stack is kept, of the main interpreter."""

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


def refuse_other_interpreters() -> None:
    """Raises Refused if the program has made another interpreter: its modules are not kept."""
    for name in ("_interpreters", "_xxsubinterpreters"):
        module = sys.modules.get(name)
        count = len(module.list_all()) - 1 if module is not None else 0
        if count > 0:
            raise Refused(
                f"{count} other interpreter{'s are' if count > 1 else ' is'} there",
                "close it before suspending: only the main interpreter is kept",
            )
