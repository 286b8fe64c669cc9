"""What remote_exec sends: the text of a function, a module or itself."""

from __future__ import annotations

import builtins
from types import CodeType, FunctionType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Source = str | FunctionType | ModuleType


def source_of(source: Source, kwargs: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """Text, file name, and the name of the function to call.

    Raises:
        ValueError: a function that needs more than its own text.
        TypeError: keyword arguments without a function.
    """
    if kwargs and not isinstance(source, FunctionType):
        raise TypeError("can't pass kwargs to non-function remote_exec")
    if isinstance(source, str) and source[:1].strip():
        return source, None, None  # its first line is not indented: there is nothing to take off
    import inspect  # 10 ms, which a text does not need

    if isinstance(source, FunctionType):
        check_function(source)
        try:
            text = dedented(inspect.getsource(source))
        except OSError as error:
            raise ValueError(f"can't find the source of {source.__name__}") from error
        # On the lines that it has in its file, for tracebacks.
        before = "\n" * (source.__code__.co_firstlineno - 1)
        return before + text, inspect.getsourcefile(source), source.__name__
    if isinstance(source, ModuleType):
        return inspect.getsource(source), inspect.getsourcefile(source), None
    return dedented(str(source)), None, None


def dedented(text: str) -> str:
    from textwrap import dedent

    return dedent(text)


def check_function(function: FunctionType) -> None:
    code = function.__code__
    if function.__name__ == "<lambda>":
        raise ValueError("can't evaluate lambda functions")
    if code.co_argcount == 0 or code.co_varnames[0] != "channel":
        raise ValueError("expected first function parameter to be `channel`")
    if code.co_freevars:
        raise ValueError(
            f"functions with closures can't be passed: {function.__name__} uses "
            + ", ".join(code.co_freevars)
        )
    used = [name for name in names_used(code) if not hasattr(builtins, name)]
    unknown = [name for name in used if name in function.__globals__]
    if unknown:
        raise ValueError(
            f"the use of non-builtin globals isn't supported: {function.__name__} uses "
            + ", ".join(unknown)
        )


def names_used(code: CodeType) -> list[str]:
    """The globals that code, with the functions in it, loads."""
    import dis

    own = [i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"]
    inner = [name for c in code.co_consts if isinstance(c, CodeType) for name in names_used(c)]
    return list(dict.fromkeys(own + inner))
