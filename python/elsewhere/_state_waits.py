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
    functions = {name: getattr(module, name, None) for name in _FUNCTIONS}
    found = {getattr(function, "__code__", None): name for name, function in functions.items()}
    frame = sys._getframe() if module else None
    while frame is not None:
        if frame.f_code in found:
            raise Refused(
                f"cannot leave tempfile.{found[frame.f_code]} "
                f"({frame.f_code.co_filename}:{frame.f_lineno}): it has opened a file of which "
                "it knows the number alone",
                "suspend at another moment",
            )
        frame = frame.f_back
