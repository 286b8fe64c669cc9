"""decimal: what localcontext() gives to a with statement."""

from __future__ import annotations

import _decimal

from elsewhere import _elsewhere
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

NAME = "decimal.ContextManager"


ContextManager = type(_decimal.localcontext())  # a with statement refers to its methods


def reducers() -> dict[type, Any]:
    return {ContextManager: reduce_manager}


def reduce_manager(manager: Any) -> tuple[Any, ...]:
    _, failure = _elsewhere.layout_types("_decimal")[NAME]
    if failure:
        raise Refused(
            f"{NAME} is laid out differently in this Python: {failure}",
            "report the exact version of this Python",
        )
    state = [_elsewhere.layout_get(manager, name, None) for name in ("local", "previous")]
    return make_manager, (), state, None, None, fill_manager


def make_manager() -> Any:
    return _decimal.localcontext()


def fill_manager(manager: Any, state: list[Any]) -> None:
    _elsewhere.layout_set(manager, "local", state[0])
    _elsewhere.layout_set(manager, "previous", state[1])
