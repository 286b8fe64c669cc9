"""csv: readers and writers stay on the file, iterator or method they were made with."""

from __future__ import annotations

import _csv

from elsewhere import _elsewhere
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

Dialect = _csv.Dialect
FORMAT = (
    "delimiter",
    "doublequote",
    "escapechar",
    "lineterminator",
    "quotechar",
    "quoting",
    "skipinitialspace",
    "strict",
)


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {Dialect: reduce_dialect}
    reduce = {"_csv.reader": reduce_reader, "_csv.writer": reduce_writer}
    for name, (kind, failure) in _elsewhere.layout_types("_csv").items():
        table[kind] = reduce_unknown if failure else reduce[name]
    return table


def reduce_unknown(thing: Any) -> tuple[Any, ...]:
    raise Refused(
        f"{type(thing).__name__} objects of csv are laid out differently in this Python",
        "report the exact version of this Python, or make the reader or writer when needed",
    )


def reduce_dialect(dialect: Any) -> tuple[Any, ...]:
    return make_dialect, ({name: getattr(dialect, name) for name in FORMAT},)


def make_dialect(settings: dict[str, Any]) -> Any:
    return Dialect(None, **settings)


def reduce_reader(reader: Any) -> tuple[Any, ...]:
    # The iterator itself: asking a closed file for one fails, and others may give a fresh one.
    state = (_elsewhere.layout_get(reader, "source", None), reader.line_num)
    return make_reader, (reader.dialect,), state, None, None, fill_reader


def make_reader(dialect: Any) -> Any:
    return _csv.reader((), dialect)


def fill_reader(reader: Any, state: tuple[Any, int]) -> None:
    source, line = state
    _elsewhere.layout_set(reader, "source", source)
    _elsewhere.layout_set(reader, "line", line)


def reduce_writer(writer: Any) -> tuple[Any, ...]:
    return make_writer, (_elsewhere.layout_get(writer, "write", None), writer.dialect)


class Writable:
    """What csv.writer wants of a file."""

    def __init__(self, write: Any) -> None:
        self.write = write


def make_writer(write: Any, dialect: Any) -> Any:
    return _csv.writer(Writable(write), dialect)
