"""Classes that derive from one of the library's that says by itself how it is pickled.

That is to call the class with what makes it again, and tells nothing of attributes: those of a
defaultdict, a date or a Decimal would be lost, and an `__init__` of the program's would run. So
they are made by the base, and get their attributes and slots.
"""

from __future__ import annotations

import copyreg
import sys

from elsewhere._keep.subclasses import with_subclasses

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

_HOMES = (
    ("_collections", "defaultdict"),
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("decimal", "Decimal"),
    ("pathlib", "PurePath"),
    ("random", "Random"),
)


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {}
    for module, name in _HOMES:
        home = getattr(sys.modules.get(module), name, None)
        if home is None:
            continue
        library = home.__module__.partition(".")[0]
        for kind in with_subclasses(home) - copyreg.dispatch_table.keys():
            if kind.__module__.partition(".")[0] != library and _teller(kind) is home:
                table[kind] = reduce
    return table


def _teller(kind: type) -> type:
    """The class whose way it is."""
    for each in kind.__mro__:
        namespace = type.__getattribute__(each, "__dict__")
        if "__reduce__" in namespace or "__reduce_ex__" in namespace:
            return each
    return object


def reduce(thing: Any) -> tuple[Any, ...]:
    kind = type(thing)
    home: Any = _teller(kind)
    told = home.__reduce_ex__(thing, 5)
    made, arguments, state, items, pairs, setter = (*told, None, None, None, None)[:6]
    if made is not kind or items is not None or setter is not None:
        return told  # type: ignore[no-any-return]
    if state is not None and not hasattr(home, "__setstate__"):
        return told  # type: ignore[no-any-return]
    parts = (home, state, list(pairs or ()), _attributes(thing), _slots(thing, home))
    return make, (home, kind, arguments, state is None), parts, None, None, fill


def _attributes(thing: Any) -> dict[str, Any]:
    try:
        return dict(object.__getattribute__(thing, "__dict__"))
    except AttributeError:
        return {}


def _slots(thing: Any, home: type) -> list[tuple[type, str, Any]]:
    """(the class that has it, its name, what is in it)"""
    found = []
    for each in type(thing).__mro__:
        if each in home.__mro__:
            continue
        for name, slot in type.__getattribute__(each, "__dict__").items():
            if type(slot).__name__ == "member_descriptor":
                try:
                    found.append((each, name, slot.__get__(thing)))
                except AttributeError:  # not set
                    continue
    return found


def make(home: Any, kind: type, arguments: tuple[Any, ...], initialize: bool) -> Any:
    thing = home.__new__(kind, *arguments)
    if initialize and home.__init__ is not object.__init__:
        home.__init__(thing, *arguments)
    return thing


def fill(thing: Any, parts: tuple[Any, ...]) -> None:
    home, state, pairs, attributes, slots = parts
    if state is not None:
        home.__setstate__(thing, state)
    if pairs:
        dict.update(thing, pairs)
    if attributes:
        object.__getattribute__(thing, "__dict__").update(attributes)
    for owner, name, value in slots:
        type.__getattribute__(owner, "__dict__")[name].__set__(thing, value)
