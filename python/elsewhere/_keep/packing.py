"""struct: compiled formats."""

from __future__ import annotations

import _struct

from elsewhere._keep.locks import with_subclasses

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

Struct = _struct.Struct


def reducers() -> dict[type, Any]:
    # A subclass that says itself how it is kept is asked.
    usual = (object.__reduce__, object.__reduce_ex__)
    kinds = with_subclasses(Struct)
    return {k: reduce for k in kinds if (k.__reduce__, k.__reduce_ex__) == usual}


def reduce(packer: Any) -> tuple[Any, ...]:
    attributes = getattr(packer, "__dict__", None)
    return make, (type(packer), packer.format), attributes or None


def make(kind: Any, layout: str) -> Any:
    packer = Struct.__new__(kind, layout)
    Struct.__init__(packer, layout)
    return packer
