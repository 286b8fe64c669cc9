"""What a program has put into modules that are kept by name: they are imported afresh.

Under `elsewhere run` a module is compared with what its import left: attributes that are new are
the program's; so are those that are other objects now, if they are the program's own, or public
and plain values or known by a name. What else the standard library puts in place of its own
attributes (a cache, a default made at the first use) is its business: a fresh import makes it
again. But what a function on the stack has just found, or made, is there when it looks again, in a
table of plain values, too. An installed package may hold what relies on its private values, so
these are kept like public ones, and so is what it has made where None was. Beyond attributes, seen
are plain values of classes, such as counters, what is the program's own (in classes, in tables such
as copyreg.dispatch_table, registered with an ABC), and plain values of an object of a library that
is at work.
"""

from __future__ import annotations

import sys

from elsewhere import _elsewhere

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from types import (
        BuiltinFunctionType,
        FunctionType,
        MethodDescriptorType,
        MethodType,
        ModuleType,
    )
    from typing import Any
else:  # types itself takes longer to import too
    BuiltinFunctionType, ModuleType = type(len), type(sys)
    FunctionType, MethodDescriptorType = type(lambda: None), type(str.upper)
    MethodType = type((lambda _: None).__get__(sys))

# Made at the first use; from then on it knows which event loop the program has set.
_EVENT_LOOPS = ("asyncio.events", "_event_loop_policy")

# Of the collections of weak references; up to 3.13 one knows which loops go over it.
_WEAK = ("weakref", "_weakrefset")

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


def patches(own: dict[str, ModuleType], imported: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """`imported`: the namespaces of modules as their imports left them, so far as that is known."""
    from abc import ABCMeta

    is_foreign = Foreign(own)
    attributes: dict[str, dict[str, Any]] = {}
    all_changed: dict[str, dict[str, None]] = {}
    removed: dict[str, list[str]] = {}
    classes: dict[type, dict[str, Any]] = {}
    tables: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
    registered: dict[type, list[type]] = {}
    iterated: list[tuple[Any, list[Any]]] = []
    filled: list[tuple[Any, Any]] = []
    on_stack = _names_on_stack()
    for name, module in _libraries(own):
        looked_up = on_stack.get(id(vars(module)), ())
        before = imported.get(name)
        if before is not None:
            changed, gone = _elsewhere.changes(vars(module), before)
            if gone:
                removed[name] = gone
            if changed:
                all_changed[name] = dict.fromkeys(changed)
            for attribute, value in changed.items():
                in_use = attribute in looked_up and not attribute.startswith("__")
                kept = in_use or (name, attribute) == _EVENT_LOOPS
                if kept or _is_set_by_program(name, attribute, value, before, is_foreign):
                    attributes.setdefault(name, {})[attribute] = value
        for attribute, value in vars(module).items():
            kind = type(value)
            if kind in PLAIN:
                continue
            if before is None and is_foreign(value):
                attributes.setdefault(name, {})[attribute] = value
                all_changed.setdefault(name, {})[attribute] = None
            elif kind is dict and attribute != "__builtins__":
                if attribute in looked_up and value and _is_plain(value):
                    filled.append((value, dict(value)))
                elif rows := _rows(value, is_foreign):
                    tables.append((value, rows))
            elif issubclass(kind, type) and getattr(value, "__module__", None) == name:
                # Only where it is defined: many modules import the same class.
                if members := _members(value, is_foreign):
                    classes[value] = members
                if issubclass(kind, ABCMeta) and (ones := _registered(value, is_foreign)):
                    registered[value] = ones
            elif getattr(kind, "__module__", None) in _WEAK and (
                guards := getattr(value, "_iterating", None)
            ):
                iterated.append((value, list(guards)))
    for kind, values in _elsewhere.changed_classes():
        if plain := _of_library_class(kind, values, own):
            classes.setdefault(kind, {}).update(plain)
    # Set by the REPL's displayhook, for one; they are kept with the state of sys and builtins.
    if "builtins" in imported:
        changed, _ = _elsewhere.changes(vars(sys.modules["builtins"]), imported["builtins"])
        if changed:
            all_changed["builtins"] = dict.fromkeys(changed)
    found = {
        "taken": _taken(own, attributes, imported),
        "attributes": attributes,
        "changed": all_changed,
        "removed": removed,
        "classes": list(classes.items()),
        "tables": tables,
        "registered": list(registered.items()),
        "iterated": iterated,
        "at_work": _at_work(own, is_foreign),
        "filled": filled,
    }
    return {name: part for name, part in found.items() if part}


def _names_on_stack() -> dict[int, set[str]]:
    """Of each namespace, by its address, the names that functions on the stack look up."""
    found: dict[int, set[str]] = {}
    frame = sys._getframe()
    while frame is not None:
        found.setdefault(id(frame.f_globals), set()).update(frame.f_code.co_names)
        frame = frame.f_back  # type: ignore[assignment]
    return found


def _at_work(own: dict[str, ModuleType], is_foreign: Foreign) -> list[tuple[Any, dict[str, Any]]]:
    """Objects that libraries have under a name, and whose methods are on the stack, with what plain
    values they have just given themselves: unittest.defaultTestLoader as it looks for tests."""
    found: dict[int, tuple[Any, dict[str, Any]]] = {}
    spaces = {id(vars(module)): vars(module) for _, module in _libraries(own)}
    frame = sys._getframe()
    while frame is not None:
        code = frame.f_code
        space = spaces.get(id(frame.f_globals))
        if space is not None and code.co_argcount and code.co_varnames[0] == "self":
            one = frame.f_locals.get("self")
            if any(value is one for value in space.values()) and not is_foreign(one):
                values = getattr(one, "__dict__", {})
                plain = {name: value for name, value in values.items() if _is_plain(value)}
                if plain:  # not one that has no __dict__: typing.ClassVar
                    found[id(one)] = one, plain
        frame = frame.f_back  # type: ignore[assignment]
    return list(found.values())


def _taken(
    own: dict[str, ModuleType],
    attributes: dict[str, dict[str, Any]],
    imported: dict[str, dict[str, Any]],
) -> list[tuple[str, str]]:
    """Where libraries have under names of their own what was behind attributes of others before.

    A lazy import of it that is first used after these are put back would get the others.
    """
    if not hasattr(sys, "lazy_modules"):
        return []  # before 3.15
    replaced = set()
    for name, values in attributes.items():
        before = imported.get(name, {})
        for attribute in values:
            if attribute in before and isinstance(before[attribute], (FunctionType, type)):
                replaced.add(id(before[attribute]))
    if not replaced:
        return []
    return [
        (name, attribute)
        for name, module in _libraries(own)
        for attribute, value in vars(module).items()
        if id(value) in replaced
    ]


def _is_set_by_program(
    module: str, name: str, value: Any, before: dict[str, Any], is_foreign: Foreign
) -> bool:
    if name.startswith("__"):
        return False  # the import system's, or a registry of warnings
    if name not in before:
        return sys.modules.get(f"{module}.{name}") is not value  # a submodule imported later
    if is_foreign(value) or type(value) is MethodType:
        return True
    if name.startswith("_") and not _is_installed(module):
        return False
    if _is_plain(value):
        return type(before[name]) is not type(value) or before[name] != value
    if _has_name(value):
        return True
    made = before[name] is None and _is_installed(module)
    return made and not _elsewhere.explain(value)


def _is_installed(module: str) -> bool:
    """A package beside the standard library."""
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return "/site-packages/" in file or "/dist-packages/" in file


def _of_library_class(
    kind: type, values: dict[str, Any], own: dict[str, ModuleType]
) -> dict[str, Any]:
    """All of its plain values that are kept: some may have been drawn together at the import."""
    module = getattr(kind, "__module__", "")
    if module in own or module.partition(".")[0] in ("elsewhere", "sys", "builtins"):
        return {}
    if getattr(sys.modules.get(module), "__dict__", {}).get(kind.__qualname__) is not kind:
        return {}  # not to be found again
    if _is_installed(module):
        return values
    # Of the private ones those that count: HtmlDiff._default_prefix.
    return {n: v for n, v in values.items() if not n.startswith("_") or type(v) is int}


def _is_plain(value: Any, depth: int = 8) -> bool:
    """Numbers, texts and containers of such."""
    kind = type(value)
    if kind in (str, int, float, bool, bytes, complex, bytearray, type(None)):
        return True
    if depth == 0:
        return False
    if kind is dict:
        return all(_is_plain(k, depth - 1) and _is_plain(v, depth - 1) for k, v in value.items())
    if kind in (tuple, list, set, frozenset):
        return all(_is_plain(item, depth - 1) for item in value)
    return False


def _has_name(value: Any) -> bool:
    """A function, method or class of a library, or a module."""
    if isinstance(value, type):
        return "<" not in value.__qualname__
    if type(value) is FunctionType:
        return not _is_displaced(value) and "<" not in value.__qualname__
    return type(value) in (BuiltinFunctionType, MethodDescriptorType, ModuleType)


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
        or (type(value) is tuple and _has_foreign(value, is_foreign))
    }


def _has_foreign(row: tuple[Any, ...], is_foreign: Foreign) -> bool:
    """Such as shutil has of each format: its function is the program's."""
    return any(type(part) not in PLAIN and is_foreign(part) for part in row[:8])


def _members(kind: type, is_foreign: Foreign) -> dict[str, Any]:
    namespaces = is_foreign.namespaces
    found = {}
    for name, value in type.__getattribute__(kind, "__dict__").items():
        how = type(value)
        if how is FunctionType:
            if id(value.__globals__) in namespaces:
                found[name] = value
        elif (how in WRAPPED or issubclass(how, is_foreign.mocks)) and is_foreign(value):
            found[name] = value
    return found


def _registered(kind: type, is_foreign: Foreign) -> list[type]:
    import _abc  # type: ignore[import-not-found]

    references = _abc._get_dump(kind)[0]
    classes = [one for reference in references if (one := reference()) is not None]
    return [one for one in classes if is_foreign.is_own(one)]


def restore_patches(kept: dict[str, Any]) -> None:
    import importlib

    for name, attribute in kept.get("taken", ()):
        getattr(sys.modules.get(name), attribute, None)
    for name, values in kept.get("attributes", {}).items():
        vars(importlib.import_module(name)).update(values)
    for name, gone in kept.get("removed", {}).items():
        for attribute in gone:
            vars(importlib.import_module(name)).pop(attribute, None)
    for kind, members in kept.get("classes", ()):
        for name, value in members.items():
            type.__setattr__(kind, name, value)
    for table, rows in kept.get("tables", ()):
        table.update(rows)
    for table, rows in kept.get("filled", ()):
        table.clear()
        table.update(rows)
    for kind, classes in kept.get("registered", ()):
        for one in classes:
            kind.register(one)
    for one, values in kept.get("at_work", ()):
        vars(one).update(values)
    # Until they leave, such loops put off what the collection would drop.
    for collection, guards in kept.get("iterated", ()):
        collection._iterating.update(guards)
