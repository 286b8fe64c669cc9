"""Type parameters and type aliases (`def f[T: int]`, `type X = …`) as the structs they are.

What they are bound to, and the value of an alias, is evaluated when it is first asked for. That is
not done here: the function which will do it is kept. Their own `__reduce__` is a name.
"""

from __future__ import annotations

import copyreg
import sys
from operator import getitem

from elsewhere._elsewhere import layout_fill, layout_read, layout_shell

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

_KINDS = ("TypeVar", "TypeVarTuple", "ParamSpec", "TypeAliasType")


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {}
    typing = sys.modules.get("typing")
    base = getattr(typing, "_GenericAlias", None)
    if base is not None:
        kinds = [kind for kind in vars(typing).values() if isinstance(kind, type)]
        table.update({kind: reduce_alias for kind in kinds if issubclass(kind, base)})
        if sys.version_info >= (3, 14):  # where Optional[int] is int | None
            table[type(int | None)] = reduce_union
    if sys.version_info < (3, 12):
        return table  # typing makes the others in Python, too
    import _typing  # type: ignore[import-not-found] # built in, and all of it that is needed

    table.update({getattr(_typing, name): reduce_whole for name in _KINDS})
    table[_typing.ParamSpecArgs] = reduce_arguments
    table[_typing.ParamSpecKwargs] = reduce_keywords
    if hasattr(_typing.TypeVar, "evaluate_default"):
        table[type(constant(None))] = reduce_constant
    return table


def reduce_whole(made: Any) -> tuple[Any, ...]:
    state = layout_read(made)
    # What is made of one that is not whole yet asks for its name, and whether it has a default.
    early = tuple(field if type(field) in (int, str) else None for field in state)
    attributes = object.__getstate__(made)
    return begin, (f"typing.{type(made).__name__}", early), (state, attributes), None, None, fill


def begin(name: str, early: tuple[Any, ...]) -> Any:
    shell = layout_shell(name)
    layout_fill(shell, early)
    return shell


def fill(shell: Any, kept: tuple[Any, ...]) -> None:
    state, attributes = kept
    layout_fill(shell, state)
    for name, value in (attributes or {}).items():
        object.__setattr__(shell, name, value)


# ---- Box[int]: its own way asks the class for it, which may not be whole yet ---------------------

_WHOLE = {"builtins", "collections", "collections.abc", "types", "typing"}  # classes of these are


def reduce_alias(alias: Any) -> tuple[Any, ...]:
    if is_settled(alias):
        # typing remembers what it has been asked for, and gives it to all: so it will again.
        maker, arguments = alias.__reduce__()
        for each in (arguments, with_none(arguments)):
            if maker is getitem and maker(*each) is alias:
                return maker, each
    return bare, (type(alias),), dict(vars(alias)), None, None, fill_alias


def reduce_union(union: Any) -> tuple[Any, ...]:
    optional = sys.modules["typing"].Optional
    first, *others = union.__args__
    if others == [type(None)] and is_settled(first) and optional[first] is union:
        return getitem, (optional, first)
    return copyreg.dispatch_table[type(union)](union)  # type: ignore[return-value]


def is_settled(part: Any) -> bool:
    """Whether it can be asked for at any moment: it consists of what the library has."""
    if part is None or part is ... or type(part) in (str, int, bool, bytes):
        return True
    if type(part) in (list, tuple):
        return all(map(is_settled, part))
    if isinstance(part, type):
        return part.__module__ in _WHOLE
    typing = sys.modules["typing"]
    name = getattr(part, "_name", None)
    if isinstance(name, str) and part is getattr(typing, name, None):
        return True
    if sys.version_info >= (3, 14) and isinstance(part, typing.Union):
        return is_settled(part.__args__)
    if not isinstance(part, typing._GenericAlias):
        return False
    return is_settled(part.__origin__) and is_settled(part.__args__)


def with_none(part: Any) -> Any:
    """As most people write it: List[None] is remembered by that, though it has NoneType."""
    if type(part) in (list, tuple):
        return type(part)(map(with_none, part))
    return None if part is type(None) else part


def bare(kind: type) -> Any:
    return object.__new__(kind)


def fill_alias(alias: Any, attributes: dict[str, Any]) -> None:
    vars(alias).update(attributes)


# ---- P.args, P.kwargs ----------------------------------------------------------------------------


def reduce_arguments(made: Any) -> tuple[Any, ...]:
    return getattr, (made.__origin__, "args")


def reduce_keywords(made: Any) -> tuple[Any, ...]:
    return getattr, (made.__origin__, "kwargs")


# ---- from 3.14 on: what evaluates a value that has long been there -------------------------------


def constant(value: Any) -> Any:
    import _typing

    return _typing.TypeVar("_", default=value).evaluate_default


def reduce_constant(evaluator: Any) -> tuple[Any, ...]:
    return constant, (evaluator(1),)  # annotationlib.Format.VALUE
