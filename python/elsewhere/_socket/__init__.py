"""Gateways over sockets: a server, and the process that takes the part of `ssh` (spec/socket.md).

Both ends are also sent and started as one text, where nothing is installed: `program()`.
"""

from __future__ import annotations

import re

_FROM_HERE = re.compile(r"^from elsewhere\._socket\.\w+ import (?:\([^)]*\)|.*)\n", re.M)
_FUTURE = "from __future__ import annotations\n"


def program(*names: str) -> str:
    """These modules as the text of one, each name defined before it is needed."""
    from importlib.util import find_spec

    parts = [_FUTURE]
    for name in names:
        found = find_spec(f"{__name__}.{name}")
        if found is None or found.loader is None:
            raise ImportError(f"no source of {__name__}.{name}")
        source = found.loader.get_source(found.name)  # type: ignore[attr-defined]
        if source is None:
            raise ImportError(f"no source of {__name__}.{name}")
        parts.append(_FROM_HERE.sub("", source).replace(_FUTURE, ""))
    return "\n".join(parts)


def dialer() -> str:
    """The text for `python -c`, behind which stand the words of dialer.py."""
    return program("token", "session", "dialer") + "\nsys.exit(main(sys.argv[1:]))\n"


def server() -> str:
    """A module that has `serve_until`, for any Python from 3.7 on."""
    return program("token", "certificate", "session", "server")
