"""Namespaces. From 3.13 on f_locals of a function's frame is a view of its variables: that of the
same frame. Code that is evaluated in the scope of a class has the class's own dict.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any


def reducers() -> dict[type, Any]:
    kind = type(sys._getframe().f_locals)
    return {} if kind is dict else {kind: reduce_view}


def reduce_view(view: Any) -> tuple[Any, ...]:
    import gc

    (frame,) = gc.get_referents(view)
    return view_of, (frame,)


def view_of(frame: FrameType) -> Any:
    return frame.f_locals


def namespace_of(kind: type) -> Any:
    """The dict that is behind `kind.__dict__`."""
    import gc

    (namespace,) = gc.get_referents(vars(kind))
    return namespace
