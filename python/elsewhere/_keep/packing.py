"""struct: compiled formats."""

from __future__ import annotations

import _struct

from elsewhere._keep.subclasses import silent_subclasses

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

Struct = _struct.Struct


def reducers() -> dict[type, Any]:
    return dict.fromkeys(silent_subclasses(Struct), reduce)


def reduce(packer: Any) -> tuple[Any, ...]:
    attributes = getattr(packer, "__dict__", None)
    return make, (type(packer), packer.format), attributes or None


def make(kind: Any, layout: str) -> Any:
    packer = Struct.__new__(kind, layout)  # type: ignore[call-arg] # not in typeshed
    Struct.__init__(packer, layout)
    return packer
