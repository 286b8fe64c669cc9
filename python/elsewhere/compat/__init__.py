"""Drop-ins for other packages: import them from here instead."""

from __future__ import annotations

import sys
from importlib import import_module


def install(name: str) -> None:
    """Make `import NAME` find the drop-in of that name, in this process, from now on.

    Modules that have imported the other one already keep it.

    Raises:
        elsewhere.errors.UsageError: there is no such drop-in.
    """
    from elsewhere.errors import UsageError

    ours = f"{__name__}.{name}"
    try:
        module = import_module(ours)
    except ModuleNotFoundError as error:
        if error.name != ours:
            raise
        raise UsageError(
            f"there is no drop-in for {name!r}", "execnet and pyteleport are"
        ) from None
    for known in [one for one in sys.modules if one == name or one.startswith(name + ".")]:
        del sys.modules[known]
    for known in [one for one in sys.modules if one.startswith(ours + ".")]:
        sys.modules[name + known[len(ours) :]] = sys.modules[known]
    sys.modules[name] = module
