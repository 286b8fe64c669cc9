"""Random numbers of the operating system: no state to keep, and none that may be kept."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def reducers() -> dict[type, Any]:
    if "random" not in sys.modules:
        return {}
    return {sys.modules["random"].SystemRandom: reduce_system_random}


def reduce_system_random(source: Any) -> tuple[Any, ...]:
    # Its own __setstate__ refuses.
    return type(source), (), dict(vars(source)), None, None, set_attributes


def set_attributes(source: Any, attributes: dict[str, Any]) -> None:
    vars(source).update(attributes)
