"""Sentinels, from Python 3.15 on.

They are pickled as the global of their name, which is not known of the program's own modules, and
need not be the name of the variable that has them.
"""

from __future__ import annotations

import builtins
import sys

from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def reducers() -> dict[type, Any]:
    return {builtins.sentinel: reduce}  # type: ignore[attr-defined]


def reduce(sentinel: Any) -> tuple[Any, ...]:
    from elsewhere._state_modules import own_modules

    home = sentinel.__module__
    if home in sys.modules and home not in own_modules():
        for name, value in vars(sys.modules[home]).items():
            if value is sentinel:
                return getattr, (sys.modules[home], name)
        raise Refused(f"{home} has no variable for the sentinel {sentinel.__name__}")
    shown = repr(sentinel)
    return make, (sentinel.__name__, home, None if shown == sentinel.__name__ else shown)


def make(name: str, module: str, shown: str | None) -> Any:
    made = builtins.sentinel(name, repr=shown)  # type: ignore[attr-defined]
    made.__module__ = module
    return made
