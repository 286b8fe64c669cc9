"""Open files: one graph object each for the raw, the buffered and the text layer.

A raw file is opened again by its path without truncating it, checked, and put at its position;
the layers above get back what they had read ahead. What has no path is refused. The standard
streams are those of the process that the program goes on in.
"""

from __future__ import annotations

import gc
import io
import os
import sys

from elsewhere import _elsewhere
from elsewhere._keep.reopening import describe_open_file, reopened
from elsewhere._keep.subclasses import silent_subclasses
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

STANDARD = ("__stdin__", "__stdout__", "__stderr__")
BUFFERED = (io.BufferedReader, io.BufferedWriter, io.BufferedRandom)


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {io.FileIO: reduce_raw, io.TextIOWrapper: reduce_text}
    for kind in BUFFERED:
        table.update(dict.fromkeys(silent_subclasses(kind), reduce_buffered))
    return table


def flush_all() -> None:
    """Hands everything written so far to the operating system, before anything is looked at."""
    objects = gc.get_objects()
    # By type, not isinstance: that would ask every object for its __class__.
    kinds = {t for t in set(map(type, objects)) if issubclass(t, (io.TextIOWrapper, *BUFFERED))}
    writers = [o for o in objects if type(o) in kinds]
    # Text first: it goes through the buffers.
    writers.sort(key=lambda writer: isinstance(writer, BUFFERED))
    for writer in writers:
        flush(writer)


def flush(writer: Any) -> None:
    if _elsewhere.layout_get(writer, "detached", 0):
        return
    try:
        if writer.closed or not writer.writable():
            return
    except ValueError:
        return  # its __init__ has failed, or is yet to come
    try:
        writer.flush()
    except OSError as error:
        raise Refused(
            f"{_title(writer)} cannot be flushed: {error}",
            "free what it is written to, or close it before suspending",
        ) from error


def _title(file: Any) -> str:
    return f"the file {getattr(file, 'name', '?')!r}"


# ---- standard streams ----------------------------------------------------------------------------


def standard_role(file: Any) -> tuple[str, str] | None:
    for stream in STANDARD:
        layer = getattr(sys, stream)
        for role in ("", "buffer", "raw"):
            layer = getattr(layer, role, None) if role else layer
            if layer is not None and layer is file:
                return stream, role
    return None


def standard_stream(stream: str, role: str) -> Any:
    file = getattr(sys, stream)
    if role:
        file = getattr(file, "buffer", None)
    if role == "raw":
        file = getattr(file, "raw", file)  # under `python -u` there is no buffer in between
    return file


# ---- raw -----------------------------------------------------------------------------------------


def reduce_raw(raw: io.FileIO) -> tuple[Any, ...]:
    if role := standard_role(raw):
        return standard_stream, role
    attributes = dict(vars(raw)) or None
    if raw.closed:
        return make_closed_raw, (raw.mode,), attributes
    descriptor = raw.fileno()
    if descriptor <= 2:
        return bind_descriptor, (descriptor, raw.mode, raw.closefd), attributes
    if not raw.closefd:
        raise Refused(
            f"{_title(raw)} was opened on file descriptor {descriptor} of somebody else",
            "open the file by its path",
        )
    return reopened, (describe_open_file(raw),), attributes


def bind_descriptor(descriptor: int, mode: str, closefd: bool) -> io.FileIO:
    return io.FileIO(descriptor, mode, closefd)


def make_closed_raw(mode: str) -> io.FileIO:
    raw = io.FileIO(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC), mode)
    raw.close()
    return raw


# ---- buffered ------------------------------------------------------------------------------------


def reduce_buffered(buffered: Any) -> tuple[Any, ...]:
    if role := standard_role(buffered):
        return standard_stream, role
    kind = type(buffered)
    if _elsewhere.layout_get(buffered, "detached", 0):
        return make_detached, (kind,), dict(vars(buffered)) or None
    attributes = dict(vars(buffered))
    if buffered.closed:
        state = (buffered.raw, attributes)
        return make_closed_buffered, (kind,), state, None, None, fill_closed_buffered
    flush(buffered)
    size = _elsewhere.layout_get(buffered, "buffer_size", 0)
    state = (_elsewhere.layout_read_ahead(buffered), attributes)
    return make_buffered, (kind, buffered.raw, size), state, None, None, fill_buffered


def make_buffered(kind: Any, raw: Any, *size: int) -> Any:
    file = kind.__new__(kind)
    # A class of tarfile's is made of something else.
    next(base for base in BUFFERED if issubclass(kind, base)).__init__(file, raw, *size)
    return file


def fill_buffered(buffered: Any, state: tuple[bytes, dict[str, Any]]) -> None:
    ahead, attributes = state
    _elsewhere.layout_set_read_ahead(buffered, ahead)
    vars(buffered).update(attributes)


def make_closed_buffered(kind: Any) -> Any:
    buffered = make_buffered(kind, io.BytesIO())
    buffered.close()
    return buffered


def fill_closed_buffered(buffered: Any, state: tuple[Any, dict[str, Any]]) -> None:
    raw, attributes = state
    _elsewhere.layout_set(buffered, "raw", raw)
    vars(buffered).update(attributes)


def make_detached(kind: Any) -> Any:
    file = kind(io.BytesIO()) if kind is io.TextIOWrapper else make_buffered(kind, io.BytesIO())
    file.detach()
    return file


# ---- text ----------------------------------------------------------------------------------------
# tell() is forbidden in the middle of `for line in file`, so the decoded characters that are still
# to be given out are kept as they are, with the decoder's state.

KEPT = ("chunk_size", "telling", "at_start", "decoded_used")
KEPT_OBJECTS = ("decoded", "snapshot")


def reduce_text(text: io.TextIOWrapper) -> tuple[Any, ...]:
    if role := standard_role(text):
        return standard_stream, role
    get = _elsewhere.layout_get
    if get(text, "detached", 0):
        return make_detached, (io.TextIOWrapper,), dict(vars(text)) or None
    flush(text)
    attributes = dict(vars(text))
    settings = {
        "encoding": text.encoding,
        "errors": text.errors,
        "newline": get(text, "readnl", None),
        "line_buffering": text.line_buffering,
        "write_through": text.write_through,
    }
    if text.closed:
        closed = (text.buffer, attributes)
        return make_closed_text, (settings,), closed, None, None, fill_closed_text
    state = (text_position(text), attributes)
    return make_text, (text.buffer, settings), state, None, None, fill_text


def text_position(text: io.TextIOWrapper) -> dict[str, Any]:
    get = _elsewhere.layout_get
    decoder, encoder = get(text, "decoder", None), get(text, "encoder", None)
    position: dict[str, Any] = {name: get(text, name, 0) for name in KEPT}
    # A missing object must stay missing: None would be taken for characters.
    position.update((name, get(text, name, None)) for name in KEPT_OBJECTS)
    position["decoder"] = None if decoder is None else decoder.getstate()
    position["newlines"] = text.newlines
    position["encoder"] = None if encoder is None else encoder.getstate()
    return position


def make_text(buffer: Any, settings: dict[str, Any]) -> io.TextIOWrapper:
    return io.TextIOWrapper(buffer, **settings)


def fill_text(text: io.TextIOWrapper, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    position, attributes = state
    set_text_position(text, position)
    vars(text).update(attributes)


def set_text_position(text: io.TextIOWrapper, position: dict[str, Any]) -> None:
    decoder = _elsewhere.layout_get(text, "decoder", None)
    encoder = _elsewhere.layout_get(text, "encoder", None)
    if position["decoder"] is not None:
        # The kinds of newlines met are no part of the decoder's state: it meets them again.
        seen = position["newlines"] or ()
        for newline in (seen,) if isinstance(seen, str) else seen:
            decoder.decode(newline.encode(text.encoding), True)
        decoder.setstate(position["decoder"])
    if position["encoder"] is not None:
        encoder.setstate(position["encoder"])
    for name in KEPT:
        _elsewhere.layout_set(text, name, position[name])
    for name in KEPT_OBJECTS:
        if position[name] is not None:
            _elsewhere.layout_set(text, name, position[name])


def make_closed_text(settings: dict[str, Any]) -> io.TextIOWrapper:
    text = io.TextIOWrapper(io.BytesIO(), **settings)
    text.close()
    return text


def fill_closed_text(text: io.TextIOWrapper, state: tuple[Any, dict[str, Any]]) -> None:
    buffer, attributes = state
    _elsewhere.layout_set(text, "buffer", buffer)
    vars(text).update(attributes)
