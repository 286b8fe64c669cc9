"""coverage: its C tracer and what that looks at, and what it notes of the process it runs in."""

from __future__ import annotations

import copyreg
import os
import sys
from types import MemberDescriptorType

from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

_IN_C = ("CTracer", "CFileDisposition")
# Module → class, and the attribute that has the process' id: where it is another one they believe
# to be in a fork, and begin a new file of data.
_OF_PROCESS = {
    "coverage.collector": ("Collector", "pid"),
    "coverage.sqldata": ("CoverageData", "_pid"),
}


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {}
    for name in _IN_C:
        kind = getattr(sys.modules.get("coverage.tracer"), name, None)
        if isinstance(kind, type):
            table[kind] = reduce_members
    for holder, (name, _) in _OF_PROCESS.items():
        kind = getattr(sys.modules.get(holder), name, None)
        if isinstance(kind, type):
            table[kind] = reduce_of_process
    hasher = getattr(sys.modules.get("coverage.misc"), "Hasher", None)
    if isinstance(hasher, type):
        table[hasher] = reduce_hasher
    return table


def reduce_members(thing: Any) -> tuple[Any, ...]:
    kind = type(thing)
    names = [name for name, value in vars(kind).items() if type(value) is MemberDescriptorType]
    members = {name: getattr(thing, name) for name in names}
    running = active = False
    if hasattr(kind, "activity"):
        from elsewhere import _state_c_tracers

        running, active = _state_c_tracers.is_running(thing), thing.activity()
    return make, (kind,), (members, running, active), None, None, fill_members


def make(kind: Any) -> Any:
    return kind()


def fill_members(thing: Any, state: tuple[dict[str, Any], bool, bool]) -> None:
    members, running, active = state
    for name, value in members.items():
        setattr(thing, name, value)
    if (running or active) and sys.gettrace() is None:
        from elsewhere import _state_c_tracers

        _state_c_tracers.make_active(thing)
        if not active:
            thing.reset_activity()
        if not running:
            thing.stop()
        sys.settrace(None)


def reduce_of_process(thing: Any) -> tuple[Any, ...]:
    attributes = dict(vars(thing))
    here = {name for _, name in _OF_PROCESS.values() if attributes.get(name) == os.getpid()}
    make_new = copyreg.__newobj__  # type: ignore[attr-defined]
    return make_new, (type(thing),), (attributes, here), None, None, fill_of_process


def fill_of_process(thing: Any, state: tuple[dict[str, Any], set[str]]) -> None:
    attributes, here = state
    vars(thing).update(attributes)
    vars(thing).update(dict.fromkeys(here, os.getpid()))


def reduce_hasher(thing: Any) -> tuple[Any, ...]:
    """Of what is written. Once there is anything, it cannot be kept."""
    for given in ((), (None,)):  # what coverage begins with, if with anything: its context
        if make_hasher(type(thing), *given).digest() == thing.digest():
            return make_hasher, (type(thing), *given)
    raise Refused(
        "coverage has begun to write its data, and hashes what it writes",
        "use a version that does not, or suspend before it switches contexts",
    )


def make_hasher(kind: Any, *given: Any) -> Any:
    hasher = kind()
    for one in given:
        hasher.update(one)
    return hasher
