"""Members of enumerations whose other base is of C and says itself how it is kept: datetime.date.

What it says, and Enum too, is to call the class with a value. That finds a member where the class
has them all, and raises TypeError while it is put together. So they are made by their base.
"""

from __future__ import annotations

import enum

from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def reducers() -> dict[type, Any]:
    """For Enum, of which there is no instance: for those of classes that travel."""
    return {enum.Enum: reduce}


def reduce(member: Any) -> tuple[Any, ...]:
    kind = type(member)
    base = kind._member_type_
    made, arguments, *rest = base.__reduce_ex__(member, 5)
    if made is not kind or any(part is not None for part in rest):
        raise Refused(
            f"{kind.__qualname__}.{member._name_}: {base.__qualname__} keeps it in its own way",
            "give the enumeration values that are no members of that type",
        )
    return make, (base, kind, arguments), member.__dict__


def make(base: Any, kind: Any, arguments: tuple[Any, ...]) -> Any:
    return base.__new__(kind, *arguments)
