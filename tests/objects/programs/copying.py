"""A copy of an object graph made by the reducers alone, as the walk would: shells, then state."""

from __future__ import annotations

import copyreg
import sys
import traceback
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from elsewhere import _keep

ATOMS = (type(None), bool, int, float, str, bytes, type, FunctionType, ModuleType, type(...))


class Copier:
    def __init__(self):
        self.reducers = _keep.reducers
        self.made = {}
        self.kept = []

    def copy(self, value):
        if id(value) in self.made:
            return self.made[id(value)]
        self.kept.append(value)
        return self.copy_new(value)

    def remember(self, value, made):
        self.made[id(value)] = made
        return made

    def copy_new(self, value):
        kind = type(value)
        if kind in self.reducers:
            return self.rebuild(value, self.reducers[kind](value))
        if isinstance(value, ATOMS) and kind.__module__ == "builtins":
            return value
        if isinstance(value, type):
            return value
        if kind is BuiltinFunctionType and not isinstance(value.__self__, ModuleType):
            return getattr(self.copy(value.__self__), value.__name__)
        if kind is BuiltinFunctionType:
            return value
        if kind is MethodType:
            return MethodType(value.__func__, self.copy(value.__self__))
        if kind is list:
            made = self.remember(value, [])
            made.extend(map(self.copy, value))
            return made
        if kind is tuple:
            copied = tuple(map(self.copy, value))
            if id(value) in self.made:
                return self.made[id(value)]
            if all(a is b for a, b in zip(value, copied)):
                copied = value
            return self.remember(value, copied)
        if kind is dict:
            made = self.remember(value, {})
            for key, item in list(value.items()):
                made[self.copy(key)] = self.copy(item)
            return made
        if kind is set:
            made = self.remember(value, set())
            made.update(map(self.copy, list(value)))
            return made
        reduce = copyreg.dispatch_table.get(kind)
        return self.rebuild(value, reduce(value) if reduce else value.__reduce_ex__(4))

    def rebuild(self, value, reduced):
        if isinstance(reduced, str):
            return value
        function, arguments, state, items, pairs, setter = (*reduced, *(None,) * 6)[:6]
        made = function(*self.copy(arguments))
        if id(value) in self.made:
            return self.made[id(value)]
        self.remember(value, made)
        for item in items or ():
            made.append(self.copy(item))
        for key, item in pairs or ():
            made[self.copy(key)] = self.copy(item)
        if state is not None:
            state = self.copy(state)
            if setter:
                setter(made, state)
            elif hasattr(type(made), "__setstate__"):
                made.__setstate__(state)
            else:
                made.__dict__.update(state)
        return made


def copied(value):
    return Copier().copy(value)


def run(namespace):
    """Every case_* function; each prints its name, a failing one its traceback."""
    failures = 0
    for name, case in list(namespace.items()):
        if not name.startswith("case_"):
            continue
        try:
            case()
            print("ok", name)
        except BaseException:
            failures += 1
            print("FAILED", name)
            traceback.print_exc(file=sys.stdout)
    assert any(name.startswith("case_") for name in namespace)
    sys.exit(1 if failures else 0)
