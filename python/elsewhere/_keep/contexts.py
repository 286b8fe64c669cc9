"""contextvars: variables with their value in the context that the main thread is in."""

from __future__ import annotations

import sys

from elsewhere import _elsewhere

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def reducers() -> dict[type, Any]:
    module = sys.modules.get("_contextvars")
    if module is None:
        return {}
    return {
        module.ContextVar: reduce_variable,
        module.Context: reduce_context,
        module.Token: reduce_token,
    }


def reduce_variable(variable: Any) -> tuple[Any, ...]:
    import _contextvars

    unset = object()
    try:
        default = (_contextvars.Context().run(variable.get),)
    except LookupError:
        default = ()  # type: ignore[assignment]
    # Not what a Context.run that is going on sees: that context is kept as an object.
    outermost = _elsewhere.layout_outermost_context()
    value = variable.get(unset) if outermost is None else outermost.get(variable, unset)
    state = None if value is unset else (value,)
    return make_variable, (variable.name, default), state, None, None, fill_variable


def make_variable(name: str, default: tuple[Any, ...]) -> Any:
    import _contextvars

    if default:
        return _contextvars.ContextVar(name, default=default[0])
    return _contextvars.ContextVar(name)


def fill_variable(variable: Any, value: tuple[Any]) -> None:
    variable.set(value[0])


def reduce_context(context: Any) -> tuple[Any, ...]:
    return make_context, (), tuple(context.items()), None, None, fill_context


def make_context() -> Any:
    import _contextvars

    return _contextvars.Context()


def fill_context(context: Any, items: tuple[tuple[Any, Any], ...]) -> None:
    for variable, value in items:
        context.run(variable.set, value)


def reduce_token(token: Any) -> tuple[Any, ...]:
    context = _elsewhere.layout_get(token, "context", None)
    state = {
        "variable": token.var,
        # The context that the program is in has no object: it is the one that thawing happens in.
        "context": None if context is _context_here() else context,
        "old": () if token.old_value is token.MISSING else (token.old_value,),
        "used": _elsewhere.layout_get(token, "used", 0),
    }
    return make_token, (), state, None, None, fill_token


def _context_here() -> Any:
    return _elsewhere.layout_get(make_token(), "context", None)


def make_token() -> Any:
    import _contextvars

    variable: Any = _contextvars.ContextVar("elsewhere")
    token = variable.set(None)
    unused = variable.set(None)
    variable.reset(unused)
    return token


def fill_token(token: Any, state: dict[str, Any]) -> None:
    _elsewhere.layout_set(token, "variable", state["variable"])
    if state["context"] is not None:
        _elsewhere.layout_set(token, "context", state["context"])
    if state["old"]:
        _elsewhere.layout_set(token, "old", state["old"][0])
    _elsewhere.layout_set(token, "used", state["used"])
