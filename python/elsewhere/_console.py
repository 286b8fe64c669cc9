"""The interactive session: `elsewhere run` on a terminal, and what follows a program under `-i`.

A loop of our own reads statements and executes them in `__main__`. So a suspend meets it as it
meets any program: at the prompt it waits in input(), and a statement that runs is on the stack.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing typing would cost more than all else at a start
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

# A session follows when the program ends.
wanted = False
# What was typed, by the file name of its code: tracebacks show it.
sources: dict[str, list[str]] = {}


def interact(greets: bool) -> None:
    """Reads and executes statements until the end of input. Raises SystemExit."""
    from codeop import CommandCompiler

    if greets:
        _greet()
        _run_startup_file()
    _set_up_readline()
    compiler = CommandCompiler()
    lines: list[str] = []
    while True:
        try:
            lines.append(input(_prompt("ps2", "... ") if lines else _prompt("ps1", ">>> ")))
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("\nKeyboardInterrupt")
            lines.clear()
            continue
        name = f"<python-input-{len(sources)}>"
        try:
            code = compiler("\n".join(lines), name, "single")
        except (OverflowError, SyntaxError, ValueError) as error:
            show(error.with_traceback(None))
            lines.clear()
            continue
        if code is None:
            continue
        _note_source(name, lines)
        lines = []
        _execute(code)


def _execute(code: CodeType) -> None:
    try:
        exec(code, vars(sys.modules["__main__"]))
    except SystemExit:
        raise
    except BaseException as error:
        traceback = error.__traceback__
        assert traceback is not None
        show(error.with_traceback(traceback.tb_next))  # without this frame


def show(error: BaseException) -> None:
    """As the interpreter shows what a statement has raised."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    sys.excepthook(type(error), error, error.__traceback__)


def _prompt(name: str, usual: str) -> str:
    return str(getattr(sys, name, usual))


def _greet() -> None:
    sys.ps1, sys.ps2 = ">>> ", "... "
    more = 'Type "help", "copyright", "credits" or "license" for more information.'
    print(f"Python {sys.version} on {sys.platform}\n{more}", file=sys.stderr)


def _run_startup_file() -> None:
    import os

    path = os.environ.get("PYTHONSTARTUP")
    if not path or sys.flags.ignore_environment:
        return
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError) as error:
        show(error.with_traceback(None))
        return
    _execute(code)


def _set_up_readline() -> None:
    """Editing, and completion of names; the module keeps both in C, and not in a snapshot."""
    try:
        import readline
        import rlcompleter
    except ImportError:
        return
    readline.set_completer(rlcompleter.Completer().complete)
    readline.parse_and_bind("tab: complete")


def _note_source(name: str, lines: list[str]) -> None:
    sources[name] = [line + "\n" for line in lines]
    if sys.version_info >= (3, 13):  # before, nobody shows them
        import linecache

        text = sources[name]
        linecache.cache[name] = (sum(map(len, text)), None, text, name)


def capture() -> dict[str, Any]:
    """What of the session is neither on the stack nor in `__main__`."""
    kept: dict[str, Any] = {"wanted": wanted, "sources": dict(sources), "history": []}
    readline = sys.modules.get("readline")
    if readline is not None:
        count = range(1, readline.get_current_history_length() + 1)
        kept["history"] = [readline.get_history_item(number) for number in count]
    return kept


def restore(kept: dict[str, Any]) -> None:
    """Before the prompt comes back."""
    global wanted
    wanted = kept["wanted"]
    for name, text in kept["sources"].items():
        _note_source(name, [line.removesuffix("\n") for line in text])
    if wanted:
        return
    _set_up_readline()
    readline = sys.modules.get("readline")
    if readline is not None:
        for line in kept["history"]:
            readline.add_history(line)
