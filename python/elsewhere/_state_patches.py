"""What a program has put into modules that are kept by name: they are imported afresh.

Seen is what is the program's own, or is not what its class and module say that it is: functions
and objects in place of attributes, also of classes, entries of tables such as
copyreg.dispatch_table, classes registered with an ABC.
"""

from __future__ import annotations

import sys
from types import FunctionType, MethodType, ModuleType

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

# What is equal wherever it is made, or is never the program's.
PLAIN = frozenset({str, int, float, bool, bytes, tuple, type(None), type(len), ModuleType})
WRAPPED = frozenset({staticmethod, classmethod, property})


class Foreign:
    """Tells what is the program's own."""

    def __init__(self, own: dict[str, ModuleType]) -> None:
        self.own = own
        self.namespaces = {id(vars(module)) for module in own.values()}
        self.kinds: dict[type, bool] = {}
        mock = sys.modules.get("unittest.mock")
        self.mocks: Any = () if mock is None else mock.NonCallableMock

    def __call__(self, value: Any) -> bool:
        kind = type(value)
        if kind is FunctionType:
            return id(value.__globals__) in self.namespaces
        known = self.kinds.get(kind)
        if known is None:
            # A mock has a class of its own that says it were the library's.
            known = self.kinds[kind] = self.is_own(kind) or issubclass(kind, self.mocks)
        if known:
            return True
        if issubclass(kind, type):
            return self.is_own(value)
        if kind is MethodType or kind is staticmethod or kind is classmethod:
            return self(value.__func__)
        if kind is property:
            return self(value.fget) or self(value.fset) or self(value.fdel)
        if kind.__name__ == "partial" and kind.__module__ == "functools":
            return self(value.func) or _is_displaced(value.func)
        if kind.__name__ == "_lru_cache_wrapper":
            return self(value.__wrapped__)
        return False

    def is_own(self, kind: type) -> bool:
        module = type.__getattribute__(kind, "__dict__").get("__module__")
        return isinstance(module, str) and module in self.own


def _is_displaced(function: Any) -> bool:
    """A function that something else stands in for."""
    if type(function) is not FunctionType or "<" in function.__qualname__:
        return False
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    return found is not function


def patches(own: dict[str, ModuleType]) -> dict[str, Any]:
    from abc import ABCMeta

    is_foreign = Foreign(own)
    attributes: dict[str, dict[str, Any]] = {}
    classes: dict[type, dict[str, Any]] = {}
    tables: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
    registered: dict[type, list[type]] = {}
    for name, module in _libraries(own):
        for attribute, value in vars(module).items():
            kind = type(value)
            if kind in PLAIN:
                continue
            if is_foreign(value):
                attributes.setdefault(name, {})[attribute] = value
            elif kind is dict:
                if attribute != "__builtins__" and (rows := _rows(value, is_foreign)):
                    tables.append((value, rows))
            elif issubclass(kind, type) and value.__module__ == name:
                # Only where it is defined: many modules import the same class.
                if members := _members(value, is_foreign):
                    classes[value] = members
                if issubclass(kind, ABCMeta) and (ones := _registered(value, is_foreign)):
                    registered[value] = ones
    found = {
        "attributes": attributes,
        "classes": list(classes.items()),
        "tables": tables,
        "registered": list(registered.items()),
    }
    return {name: part for name, part in found.items() if part}


def _libraries(own: dict[str, ModuleType]) -> list[tuple[str, ModuleType]]:
    skipped = {"sys", "builtins", *own}
    return [
        (name, module)
        for name, module in list(sys.modules.items())
        if isinstance(module, ModuleType)
        and name not in skipped
        and module.__name__ not in skipped
        and name.partition(".")[0] != "elsewhere"
    ]


def _rows(table: dict[Any, Any], is_foreign: Foreign) -> dict[Any, Any]:
    return {
        key: value
        for key, value in table.items()
        if (type(key) not in PLAIN and is_foreign(key))
        or (type(value) not in PLAIN and is_foreign(value))
    }


def _members(kind: type, is_foreign: Foreign) -> dict[str, Any]:
    namespaces = is_foreign.namespaces
    found = {}
    for name, value in type.__getattribute__(kind, "__dict__").items():
        how = type(value)
        if how is FunctionType:
            if id(value.__globals__) in namespaces:
                found[name] = value
        elif how in WRAPPED and is_foreign(value):
            found[name] = value
    return found


def _registered(kind: type, is_foreign: Foreign) -> list[type]:
    import _abc  # type: ignore[import-not-found]

    references = _abc._get_dump(kind)[0]
    classes = [one for reference in references if (one := reference()) is not None]
    return [one for one in classes if is_foreign.is_own(one)]


def restore_patches(kept: dict[str, Any]) -> None:
    import importlib

    for name, values in kept.get("attributes", {}).items():
        vars(importlib.import_module(name)).update(values)
    for kind, members in kept.get("classes", ()):
        for name, value in members.items():
            type.__setattr__(kind, name, value)
    for table, rows in kept.get("tables", ()):
        table.update(rows)
    for kind, classes in kept.get("registered", ()):
        for one in classes:
            kind.register(one)
