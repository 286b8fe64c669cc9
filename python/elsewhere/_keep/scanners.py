"""json: what a decoder scans with."""

from __future__ import annotations

import _json
from types import MemberDescriptorType

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

Scanner: Any = _json.make_scanner


def reducers() -> dict[type, Any]:
    return {Scanner: reduce_scanner}


def reduce_scanner(scanner: Any) -> tuple[Any, ...]:
    members = vars(Scanner).items()
    names = [name for name, value in members if type(value) is MemberDescriptorType]
    return make_scanner, ({name: getattr(scanner, name) for name in names},)


class Settings:
    """The attributes of a decoder that a scanner asks for."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        vars(self).update(attributes)


def make_scanner(attributes: dict[str, Any]) -> Any:
    return Scanner(Settings(attributes))
