"""Only the main thread's stack is kept, of the main interpreter."""

from __future__ import annotations

import _thread
import sys

from elsewhere.errors import Refused

# Module, how it lists them, how many a program has from the start, what they are.
_BEYOND = (
    ("_interpreters", "list_all", 1, "another interpreter"),
    ("_xxsubinterpreters", "list_all", 1, "another interpreter"),  # before 3.13
    ("_interpchannels", "list_all", 0, "a channel between interpreters"),
    ("_xxinterpchannels", "list_all", 0, "a channel between interpreters"),  # 3.12
    ("_xxsubinterpreters", "channel_list_all", 0, "a channel between interpreters"),
)


def refuse_other_threads() -> None:
    """Raises Refused if another Python thread is alive, saying which and where it is."""
    me = _thread.get_ident()
    threading = sys.modules.get("threading")
    known = dict(getattr(threading, "_active", {}))
    frames = sys._current_frames()
    # A frame that held itself would hold those that have called it, and what is in them.
    frames.pop(me, None)
    for ident, frame in frames.items():
        name = known[ident].name if ident in known else f"thread {ident}"
        code = frame.f_code
        function = getattr(code, "co_qualname", code.co_name)  # from 3.11 on
        raise Refused(
            f"{name!r} is running: {function}, {code.co_filename}:{frame.f_lineno}",
            "let it end, and join it, before suspending: only the main thread is kept",
        )


def refuse_other_interpreters() -> None:
    """Raises Refused if the program has made another interpreter, whose modules are not kept, or
    what leads to one."""
    for name, lister, own, what in _BEYOND:
        module = sys.modules.get(name)
        listed = getattr(module, lister, None)
        if listed is not None and len(listed()) > own:
            raise Refused(
                f"{what} is there", "close it before suspending: only the main interpreter is kept"
            )
