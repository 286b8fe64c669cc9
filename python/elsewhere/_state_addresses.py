"""Functions of the standard library that know objects by their addresses: those are others in the
process in which a program goes on, so a suspend waits until these have returned.
"""

from __future__ import annotations

import sys

from elsewhere.errors import Refused

_FUNCTIONS = (("copy", "deepcopy"), ("pickle", "_Pickler"))


def refuse_known_addresses() -> None:
    """Raises Refused if one of them is on the stack."""
    found = {}
    for module, name in _FUNCTIONS:
        function = getattr(sys.modules.get(module), name, None)
        code = getattr(getattr(function, "save", function), "__code__", None)
        if code is not None:
            found[code] = f"{module}.{name}"
    frame = sys._getframe() if found else None
    while frame is not None:
        name = found.get(frame.f_code, "")
        if name:
            raise Refused(
                f"cannot leave {name} ({frame.f_code.co_filename}:{frame.f_lineno}): "
                "it knows objects by their addresses",
                "suspend at another moment",
            )
        frame = frame.f_back
