"""Files in memory. Open ones know how to be kept; closed ones refuse to say what they are."""

from __future__ import annotations

import io

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def reducers() -> dict[type, Any]:
    return {io.BytesIO: reduce_memory, io.StringIO: reduce_memory}


def reduce_memory(file: Any) -> tuple[Any, ...]:
    if file.closed:
        return make_closed, (type(file),), dict(vars(file)) or None, None, None, fill_closed
    return make_open, (type(file),), file.__getstate__(), None, None, fill_open


def make_open(kind: Any) -> Any:
    return kind()


def fill_open(file: Any, state: Any) -> None:
    file.__setstate__(state)


def make_closed(kind: Any) -> Any:
    file = kind()
    file.close()
    return file


def fill_closed(file: Any, attributes: dict[str, Any]) -> None:
    vars(file).update(attributes)
