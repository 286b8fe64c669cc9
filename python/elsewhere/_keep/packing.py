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
    return {kind: reduce for kind in with_subclasses(Struct) if _is_plain(kind)}


def _is_plain(kind: type) -> bool:
    return all(getattr(kind, n) is getattr(object, n) for n in ("__reduce__", "__reduce_ex__"))


def reduce(packer: Any) -> tuple[Any, ...]:
    attributes = getattr(packer, "__dict__", None)
    return make, (type(packer), packer.format), attributes or None


def make(kind: Any, layout: str) -> Any:
    packer = Struct.__new__(kind, layout)  # type: ignore[call-arg] # not in typeshed
    Struct.__init__(packer, layout)
    return packer
