"""Functions of tempfile that hold an open file by its number, which another process does not have.
A suspend waits until these have returned.
"""

from __future__ import annotations

import sys

from elsewhere.errors import Refused

_FUNCTIONS = (
    "TemporaryFile",
    "NamedTemporaryFile",
    "_get_default_tempdir",
    "_mkstemp_inner",
)


def refuse_holders() -> None:
    """Raises Refused if one of them is on the stack."""
    module = sys.modules.get("tempfile")
    found = {getattr(getattr(module, name, None), "__code__", None): name for name in _FUNCTIONS}
    found.pop(None, None)  # the module has not been imported, or has no such function
    frame = sys._getframe() if found else None
    while frame is not None:
        if frame.f_code in found:
            raise Refused(
                f"cannot leave tempfile.{found[frame.f_code]} "
                f"({frame.f_code.co_filename}:{frame.f_lineno}): it has opened a file of which "
                "it knows the number alone",
                "suspend at another moment",
            )
        frame = frame.f_back
