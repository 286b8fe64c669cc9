"""re: matches with all their groups, and the scanners that finditer runs, where they stand."""

from __future__ import annotations

from elsewhere import _elsewhere
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def reducers() -> dict[type, Any]:
    reduce = {"re.Match": reduce_match, "_sre.SRE_Scanner": reduce_scanner}
    table: dict[type, Any] = {}
    for name, (kind, failure) in _elsewhere.layout_types("re").items():
        table[kind] = reduce_unknown if failure else reduce[name]
    return table


def reduce_unknown(thing: Any) -> tuple[Any, ...]:
    failure = next(why for kind, why in _elsewhere.layout_types("re").values() if why)
    raise Refused(
        f"a {type(thing).__name__} of re is laid out differently in this Python: {failure}",
        "report the exact version of this Python, or keep the text that matched",
    )


NUMBERS = ("pos", "endpos", "lastindex")
OBJECTS = ("pattern", "string", "regs")


def reduce_match(match: Any) -> tuple[Any, ...]:
    get = _elsewhere.layout_get
    state: dict[str, Any] = {name: get(match, name, 0) for name in NUMBERS}
    # Only what is there: the spans are put together when somebody asks for them.
    held = {name: get(match, name, state) for name in OBJECTS}
    state.update((name, value) for name, value in held.items() if value is not state)
    marks = _elsewhere.layout_match_marks(match)
    return _elsewhere.layout_make_match, (marks,), state, None, None, fill_match


def fill_match(match: Any, state: dict[str, Any]) -> None:
    for name, value in state.items():
        _elsewhere.layout_set(match, name, value)


def reduce_scanner(scanner: Any) -> tuple[Any, ...]:
    string, pos, endpos, start, must_advance = _elsewhere.layout_scanner_state(scanner)
    arguments = (scanner.pattern, string, pos, endpos)
    return make_scanner, arguments, (start, must_advance), None, None, fill_scanner


def make_scanner(pattern: Any, string: Any, pos: int, endpos: int) -> Any:
    return pattern.scanner(string, pos, endpos)


def fill_scanner(scanner: Any, state: tuple[int | None, int]) -> None:
    _elsewhere.layout_set_scanner(scanner, *state)
