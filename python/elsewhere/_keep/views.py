"""memoryview: a window onto the same bytes of the same object."""

from __future__ import annotations

from elsewhere import _elsewhere
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

NATIVE = frozenset("cbB?hHiIlLqQnNfdP")  # what memoryview.cast takes


def reducers() -> dict[type, Any]:
    return {memoryview: reduce_view}


def reduce_view(view: Any) -> tuple[Any, ...]:
    try:
        exporter = view.obj
    except ValueError:
        return make_released, ()
    if exporter is None:
        raise Refused("a memoryview of memory that no object owns", "copy it: bytes(view)")
    with memoryview(exporter) as whole:
        frozen = view.readonly and not whole.readonly
        steps = _steps(view, whole, _elsewhere.layout_view_offset(view))
    if steps is None:
        raise Refused(
            f"a memoryview of format {view.format!r}, shape {view.shape} and strides "
            f"{view.strides} on a {type(exporter).__name__}",
            "copy it: view.tobytes()",
        )
    return make_view, (exporter, frozen, *steps)


def _steps(view: Any, whole: Any, offset: int) -> tuple[Any, ...] | None:
    """How to come from `whole` to `view`: a slice of its items, or of its bytes with a cast."""
    place = (view.format, view.shape, view.strides)
    if offset == 0 and place == (whole.format, whole.shape, whole.strides):
        return (None,)
    if not whole.c_contiguous or view.format.lstrip("@") not in NATIVE:
        # Formats of others cannot be cast to, but their items can be sliced.
        if view.format != whole.format or view.ndim != 1 or whole.ndim != 1:
            return None
        unit, origin = whole.strides[0], None
    else:
        unit, origin = view.itemsize, view.format
    is_dense = view.ndim != 1 or view.strides[0] == view.itemsize
    if view.c_contiguous and is_dense and origin is not None:
        shape = None if view.ndim == 1 else view.shape
        return (slice(offset, offset + view.nbytes), origin, shape)
    if view.ndim != 1 or unit == 0 or view.strides[0] % unit:
        return None
    step, last = view.strides[0] // unit, offset + (len(view) - 1) * view.strides[0]
    if origin is None:
        if offset % unit or not view:
            return None
        stop: int | None = last // unit + (1 if step > 0 else -1)
        return (slice(offset // unit, None if stop == -1 else stop, step),)
    low, high = (min(offset, last), max(offset, last) + unit) if view else (offset, offset)
    return (slice(low, high), origin, None, slice(None, None, step))


def make_view(
    exporter: Any,
    frozen: bool,
    part: slice | None,
    layout: str | None = None,
    shape: tuple[int, ...] | None = None,
    step: slice | None = None,
) -> memoryview:
    view: Any = memoryview(exporter)
    if layout is not None:
        view = view.cast("B")[part]
        view = view.cast(layout) if shape is None else view.cast(layout, shape)
    elif part is not None:
        view = view[part]
    if step is not None:
        view = view[step]
    return view.toreadonly() if frozen else view  # type: ignore[no-any-return]


def make_released() -> memoryview:
    view = memoryview(b"")
    view.release()
    return view
