"""Pickles for another interpreter: what it cannot import goes by value."""

from __future__ import annotations

import inspect
import io
import marshal
import pickle
import sys
import textwrap
from types import CellType, FunctionType, ModuleType

from elsewhere._gateway import call_server
from elsewhere._sources import names_used

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

sys.modules[call_server.NAME] = call_server


def dumps(value: object, protocol: int, same_code: bool) -> bytes:
    """Pickle for an interpreter.

    Functions and classes of the main program, lambdas, and what is defined in functions go by
    value, with the globals that they name; all others by the name of their module.

    Args:
        protocol: the highest that it knows.
        same_code: it has this one's bytecode; else functions go as source.

    Raises:
        pickle.PicklingError: the value cannot go there.
    """
    file = io.BytesIO()
    _Pickler(file, min(protocol, pickle.HIGHEST_PROTOCOL), same_code).dump(value)
    return file.getvalue()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, protocol: int, same_code: bool) -> None:
        super().__init__(file, protocol)
        self._same_code = same_code

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FunctionType):
            return self._function(obj) if _goes_by_value(obj) else NotImplemented
        if isinstance(obj, type):
            return self._class(obj) if _goes_by_value(obj) else NotImplemented
        if isinstance(obj, ModuleType):
            return call_server.module_of, (obj.__name__,)
        if isinstance(obj, CellType):
            return call_server.empty_cell, ()
        return NotImplemented

    def _function(self, function: FunctionType) -> tuple[Any, ...]:
        names = {
            name: function.__globals__[name]
            for name in names_used(function.__code__)
            if name in function.__globals__
        }
        cells = function.__closure__
        state = (
            function.__defaults__,
            function.__kwdefaults__,
            names,
            None if cells is None else [(cell.cell_contents,) for cell in cells],
        )
        make: Callable[..., object]
        if self._same_code:
            make = call_server.function_of_code
            code = marshal.dumps(function.__code__)
            how: tuple[Any, ...] = (code, function.__module__, function.__name__, cells)
        else:
            make = call_server.function_of_source
            how = (_source(function), function.__module__, function.__name__)
        return make, how, state, None, None, call_server.fill_function

    def _class(self, kind: type) -> tuple[Any, ...]:
        if "__slots__" in vars(kind):
            raise pickle.PicklingError(
                f"{kind.__qualname__} has __slots__: put it into a module that is there too"
            )
        left = ("__dict__", "__weakref__", "__module__")
        attributes = {name: value for name, value in vars(kind).items() if name not in left}
        how = (type(kind), kind.__name__, kind.__bases__, kind.__module__)
        return call_server.make_class, how, attributes, None, None, call_server.fill_class


def _goes_by_value(thing: FunctionType | type) -> bool:
    if thing.__module__ == call_server.NAME:
        return False
    if thing.__module__ == "__main__" or "<locals>" in thing.__qualname__:
        return True
    return thing.__name__ == "<lambda>"


def _source(function: FunctionType) -> str:
    if function.__closure__ or function.__name__ == "<lambda>":
        what = "a lambda" if function.__name__ == "<lambda>" else "a closure"
        raise pickle.PicklingError(
            f"{function.__qualname__} is {what}, and the Python there is another one: "
            "use a function of a module"
        )
    try:
        return textwrap.dedent(inspect.getsource(function))
    except OSError as error:
        raise pickle.PicklingError(f"can't find the source of {function.__name__}") from error
