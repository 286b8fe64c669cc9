"""Functions of the standard library that hold what another process does not have: objects by their
addresses, open files by their numbers. A suspend waits until these have returned.
"""

from __future__ import annotations

import sys

from elsewhere.errors import Refused

_ADDRESSES = "it knows objects by their addresses"
_NUMBER = "it has opened a file of which it knows the number alone"
_FUNCTIONS = {
    ("copy", "deepcopy"): _ADDRESSES,
    ("pickle", "_Pickler"): _ADDRESSES,
    ("tempfile", "TemporaryFile"): _NUMBER,
    ("tempfile", "NamedTemporaryFile"): _NUMBER,
    ("tempfile", "_get_default_tempdir"): _NUMBER,
    ("tempfile", "_mkstemp_inner"): _NUMBER,
}


def refuse_holders() -> None:
    """Raises Refused if one of them is on the stack."""
    found = {}
    for (module, name), reason in _FUNCTIONS.items():
        function = getattr(sys.modules.get(module), name, None)
        code = getattr(getattr(function, "save", function), "__code__", None)
        if code is not None:
            found[code] = f"{module}.{name}", reason
    frame = sys._getframe() if found else None
    while frame is not None:
        if frame.f_code in found:
            name, reason = found[frame.f_code]
            raise Refused(
                f"cannot leave {name} ({frame.f_code.co_filename}:{frame.f_lineno}): {reason}",
                "suspend at another moment",
            )
        frame = frame.f_back
