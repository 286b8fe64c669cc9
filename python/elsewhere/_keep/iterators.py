"""Built-in and itertools iterators and views, at their position on the same container.

Their own `__reduce__` turns dict and set iterators into lists, forgets whose buffer a tee shares,
warns from Python 3.12 on and is gone in 3.14; so they are kept as the structs they are.
"""

from __future__ import annotations

from elsewhere import _elsewhere
from elsewhere._elsewhere import layout_fill, layout_read, layout_shell
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

_names: dict[type, str] = {}


def reducers() -> dict[type, Any]:
    special = {
        "set_iterator": reduce_set_iterator,
        "odict_iterator": reduce_ordered_iterator,
    }
    table: dict[type, Any] = {}
    for name, (kind, failure) in _elsewhere.layout_types(None).items():
        if name == "collections.OrderedDict":
            continue  # only looked into
        _names[kind] = name
        if failure:
            table[kind] = reduce_unknown
        elif name.startswith("dict_") and name.endswith("iterator"):
            table[kind] = reduce_dict_iterator
        else:
            table[kind] = special.get(name, reduce_whole)
    return table


def reduce_unknown(iterator: Any) -> tuple[Any, ...]:
    name = _names[type(iterator)]
    failure = _elsewhere.layout_types(None)[name][1]
    raise Refused(
        f"a {name} is laid out differently in this Python: {failure}",
        "report the exact version of this Python, or finish the iteration before suspending",
    )


def reduce_whole(iterator: Any) -> tuple[Any, ...]:
    return layout_shell, (_names[type(iterator)],), layout_read(iterator), None, None, layout_fill


# ---- dict: the position, kept as the number of live entries before it ----------------------------


def reduce_dict_iterator(iterator: Any) -> tuple[Any, ...]:
    name = _names[type(iterator)]
    absent, container, used, position, *rest = layout_read(iterator)
    if container is not None:
        if "reverse" in name:
            position = _elsewhere.layout_entries_before(container, position + 1) - 1
        else:
            position = _elsewhere.layout_entries_before(container, position)
    unchanged = isinstance(container, dict) and used == dict.__len__(container)
    state = (unchanged, absent, container, used, position, *rest)
    return layout_shell, (name,), state, None, None, fill_dict_iterator


# Iterators over dicts that are not of the size that they had, with their states.
_walks: list[tuple[Any, tuple[Any, ...]]] = []


def fill_dict_iterator(iterator: Any, state: tuple[Any, ...]) -> None:
    unchanged, absent, container, used, position, *rest = state
    if unchanged and dict.__len__(container) != used:
        _walks.append((iterator, state))
    if container is not None and position >= 0:
        position = _elsewhere.layout_entry_position(container, position)
    layout_fill(iterator, (absent, container, used, position, *rest))


def settle_walks() -> None:
    """Called when everything is as the program left it: what has another size then is the namespace
    of a library, without what has been cached in it meanwhile; the walk is over what is there."""
    waiting = _walks[:]
    _walks.clear()
    for iterator, (_, absent, container, used, before, left, *rest) in waiting:
        size = dict.__len__(container)
        if size == used:
            continue
        is_reversed = "reverse" in type(iterator).__name__
        if is_reversed:
            before = min(before, size - 1)  # it comes next
        left = before + 1 if is_reversed else max(size - before, 0)
        fill_dict_iterator(iterator, (True, absent, container, size, before, left, *rest))


def forget_walks() -> None:
    """Called when an object alone has been thawed: its dicts are as they are."""
    _walks.clear()


# ---- set: the place in the hash table, and what is still to come from there ----------------------


def reduce_set_iterator(iterator: Any) -> tuple[Any, ...]:
    state = layout_read(iterator)
    container, used, position = state[1:4]
    remaining, count = None, 0
    if container is not None and used == len(container):
        remaining = _elsewhere.layout_elements_from(container, position)
        count = len(remaining)
    whole = (state, remaining, count)
    return layout_shell, ("set_iterator",), whole, None, None, fill_set_iterator


# Iterators over what is not filled yet, as it holds them, with their states.
_unsettled: list[tuple[Any, tuple[Any, ...]]] = []


def fill_set_iterator(iterator: Any, state: tuple[Any, ...]) -> None:
    fields, remaining, count = state
    absent, container, used, position, left = fields
    if remaining is not None:
        if len(container) != used or len(remaining) != count:
            _unsettled.append((iterator, state))
        elif not _same_objects(_elsewhere.layout_elements_from(container, position), remaining):
            # Hashes have changed and with them the table: go on in the order begun.
            container = _elsewhere.layout_set_in_order(remaining)
            used, position = count, 0
    layout_fill(iterator, (absent, container, used, position, left))


def settle() -> None:
    """Called when all objects are filled."""
    waiting = _unsettled[:]
    _unsettled.clear()
    for iterator, state in waiting:
        fill_set_iterator(iterator, state)
    _unsettled.clear()


def _same_objects(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other))


# ---- OrderedDict: its iterators notice changes by a counter that starts afresh -------------------


def reduce_ordered_iterator(iterator: Any) -> tuple[Any, ...]:
    absent, flavour, container, used, generation, *rest = layout_read(iterator)
    unchanged = (
        container is not None and _elsewhere.layout_get(container, "generation", 0) == generation
    )
    state = (absent, flavour, container, used, unchanged, *rest)
    return layout_shell, ("odict_iterator",), state, None, None, fill_ordered_iterator


def fill_ordered_iterator(iterator: Any, state: tuple[Any, ...]) -> None:
    absent, flavour, container, used, unchanged, *rest = state
    generation = -1
    if unchanged:
        # A container that holds its own iterator is not filled yet; each entry to come counts one.
        missing = used - len(container)
        generation = _elsewhere.layout_get(container, "generation", 0) + missing
    layout_fill(iterator, (absent, flavour, container, used, generation, *rest))
