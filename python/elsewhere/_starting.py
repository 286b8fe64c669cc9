"""Between the boot file and the program: makes the interpreter look as `python SCRIPT` would."""

from __future__ import annotations

import sys

from elsewhere import _elsewhere, _program, _state
from elsewhere.errors import Error, InternalError, Unsupported

TYPE_CHECKING = False  # importing typing would cost more than all else at a start
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType, TracebackType
    from typing import Any, NoReturn

    Told = dict[str, Any]


def _new_main() -> ModuleType:
    """A fresh `__main__`, as the interpreter makes it."""
    import builtins

    main = type(sys)("__main__")
    main.__loader__ = None
    if sys.version_info < (3, 14):  # from then on made when asked for
        main.__annotations__ = {}
    vars(main)["__builtins__"] = builtins
    sys.modules["__main__"] = main
    return main


def _set_path0(first: str | None) -> None:
    """sys.path[0] is the directory of the boot file; `first` takes its place (None: nothing)."""
    if not getattr(sys.flags, "safe_path", False):  # from 3.11 on
        sys.path[:1] = [] if first is None else [first]
    elif first is not None and first.endswith((".zip", ".pyz")):
        sys.path.insert(0, first)


def _absolute(path: str) -> str:
    """As CPython does it: nothing but a leading ./ is taken out."""
    import os

    return path if path.startswith("/") else f"{os.getcwd()}/{path.removeprefix('./')}"


def _runs_as_package(path: str) -> bool:
    """A directory or a zip file with a __main__ module."""
    import os
    from zipimport import ZipImportError, zipimporter

    if os.path.isdir(path):
        return True
    try:
        zipimporter(path)
    except (ZipImportError, OSError):
        return False
    return True


def _compile(source: str | bytes, filename: str) -> CodeType:
    """The program's code; a syntax error ends it as it ends `python SCRIPT`."""
    try:
        return compile(source, filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        _elsewhere.print_exception(error.with_traceback(None))
        sys.exit(1)


def _interpreter(told: Told) -> list[str]:
    """The words of the command line up to the program; before 3.10 nobody is told of them."""
    return [getattr(sys, "orig_argv", [sys.executable])[0], *told["interpreter_arguments"]]


def _words_of(told: Told) -> list[str]:
    """The arguments as they stood on the command line."""
    bare = told["target"] in ("input", "none") and told["arguments"] == [""]
    return [] if bare else told["arguments"]


def _set_orig_argv(words: list[str]) -> None:
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = words


def _start(told: Told) -> Callable[[], object]:
    """Prepares a fresh program; returns the call that runs it."""
    import os

    main = _new_main()
    target, program = told["target"], told["program"]
    interpreter = _interpreter(told)
    if told["interactive"]:
        interpreter.append("-i")
        from elsewhere import _console

        _console.wanted = target != "none"
    if target == "none":
        sys.argv = told["arguments"]
        _set_orig_argv([*_interpreter(told), *_words_of(told)])
        _set_path0("")
        from _frozen_importlib import BuiltinImporter

        main.__loader__ = BuiltinImporter
        return lambda: _elsewhere.run_callable(_console.interact, True)
    if target == "command":
        sys.argv = ["-c", *told["arguments"]]
        _set_orig_argv([*interpreter, "-c", program, *told["arguments"]])
        _set_path0("")
        from _frozen_importlib import BuiltinImporter

        main.__loader__ = BuiltinImporter
        code = _compile(program, "<string>")
        if sys.version_info >= (3, 13):  # tracebacks show its lines
            import linecache

            linecache._register_code(code, program, "<string>")
        return lambda: _elsewhere.run_code(code, vars(main))
    if target == "input":
        sys.argv = told["arguments"]
        _set_orig_argv([*interpreter, *_words_of(told)])
        _set_path0("")
        from _frozen_importlib import BuiltinImporter

        main.__loader__ = BuiltinImporter
        main.__file__ = "<stdin>"
        if sys.version_info < (3, 15):
            vars(main)["__cached__"] = None
        code = _compile(program.encode("utf-8", "surrogateescape"), "<stdin>")
        return lambda: _elsewhere.run_code(code, vars(main))
    if target == "module":
        sys.argv = ["-m", *told["arguments"]]
        _set_orig_argv([*interpreter, "-m", program, *told["arguments"]])
        _set_path0(os.getcwd())
        from runpy import _run_module_as_main as as_main  # type: ignore[attr-defined]

        return lambda: _elsewhere.run_callable(as_main, program)
    sys.argv = [program, *told["arguments"]]
    _set_orig_argv([*interpreter, *sys.argv])
    if _runs_as_package(program):
        path = _absolute(program)
        _set_path0(path)
        from runpy import _run_module_as_main as as_main  # type: ignore[attr-defined]

        return lambda: _elsewhere.run_callable(as_main, "__main__", False)
    from _frozen_importlib_external import SourceFileLoader, SourcelessFileLoader

    path = _absolute(program)
    _set_path0(os.path.dirname(os.path.realpath(program)))
    loader = SourcelessFileLoader if path.endswith(".pyc") else SourceFileLoader
    main.__loader__ = loader("__main__", path)
    main.__file__ = path
    if sys.version_info < (3, 15):
        vars(main)["__cached__"] = None
    if loader is SourcelessFileLoader:
        stored = SourcelessFileLoader("__main__", path).get_code("__main__")
        return lambda: _elsewhere.run_code(stored, vars(main))
    with open(path, "rb") as file:
        code = _compile(file.read(), path)
    return lambda: _elsewhere.run_code(code, vars(main))


def _resume(told: Told) -> Callable[[], object]:
    """Prepares the interpreter for a program out of a snapshot; returns the call that runs it."""
    _new_main()
    _set_path0(None)
    named = {"script": [told["program"]], "module": ["-m", told["program"]]}
    named["command"] = ["-c", told["program"]]
    words = [*named.get(told["target"], []), *_words_of(told)]
    _set_orig_argv([*_interpreter(told), *words])
    arrival = told.get("arrival")
    if arrival is None:
        return lambda: _elsewhere.resume_program(told["file"], told["clone"])
    from elsewhere._travel.arrival import wait_for_state

    wait_for_state(arrival)
    return lambda: _elsewhere.resume_program(told["file"], True, arrival["control"])


def _source_is_gone(traceback: TracebackType | None) -> bool:
    """Does the traceback lead through a file that only the snapshot still had?"""
    import os

    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if not name.startswith("<") and not os.path.exists(name):
            return True
        traceback = traceback.tb_next
    return False


def _of_program(error: BaseException) -> TracebackType | None:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next  # the frames of this file come first
    return traceback


def _finish(error: BaseException | None) -> None:
    """The end of the program, as the interpreter does it; `error` is what ended it or None."""
    _elsewhere.stop()
    if _program.told.get("check_at_end"):
        _program.answer_check(_elsewhere.check_remains())
    if isinstance(error, SystemExit):
        if error.code in (None, 0, False):
            _program.completed()
        _trace_again()
        raise error.with_traceback(None)
    if error is None:
        _program.completed()
        _trace_again()
        return
    traceback = _of_program(error)
    if sys.excepthook is sys.__excepthook__ and _source_is_gone(traceback):
        from traceback import print_exception

        # Before 3.13 the built-in hook reads the files itself; this one asks linecache.
        sys.excepthook = print_exception
    _elsewhere.print_exception(error.with_traceback(traceback))
    _trace_again()
    if isinstance(error, KeyboardInterrupt):
        # Shown already; the interpreter ends by SIGINT when it comes out of the main program.
        sys.excepthook = lambda *_: None
        raise error
    sys.exit(1)


def _trace_again() -> None:
    """Events are off since the program has ended; exit functions are the program's again.

    A profiler or a monitoring tool would hear of this file's frames, too.
    """
    tools = any(map(sys.monitoring.get_tool, range(6))) if hasattr(sys, "monitoring") else False
    if sys.getprofile() is None and not tools:
        _elsewhere.trace_again()


def main(told: Told) -> None:
    """Starts the program that `told` names, and ends as it ends."""
    if sys.flags.ignore_environment:
        told["hash_seed"] = None  # -E and -I: it was not heard
    try:
        if _elsewhere.disabled is not None:
            raise Unsupported(
                f"the engine does not work in {sys.executable}: {_elsewhere.disabled}",
                "use another interpreter with --python",
            )
        if told["mode"] == "exec":
            from elsewhere._travel.execute import execute

            execute(told)
        _program.remember(told)
        _elsewhere.install(told)
        _state.remember_start()
        run = _start(told) if told["mode"] == "run" else _resume(told)
    except Error as error:
        if told.get("arrival"):
            _fail_to_arrive(error, told)
        _exit_with(error)
    ended = _run(run)
    if ended is not None and told.get("arrival") and not _elsewhere.has_arrived():
        _fail_to_arrive(ended, told)
    if isinstance(ended, Exception) and told["mode"] != "run" and not _elsewhere.has_begun():
        _fail_to_resume(ended)
    console = sys.modules.get("elsewhere._console")
    if console is not None and console.wanted:
        ended = _run_session(console, ended)
    _finish(ended)


def _run_session(console: Any, ended: BaseException | None) -> BaseException | None:
    """What follows a program under -i, however it has ended."""
    console.wanted = False
    if ended is not None:
        console.show(ended.with_traceback(_of_program(ended)))
    _elsewhere.trace_again()
    return _run(lambda: _elsewhere.run_callable(console.interact, False))


def _fail_to_arrive(error: BaseException, told: Told) -> NoReturn:
    from elsewhere._travel import arrival

    arrival.control = told["arrival"]["control"]
    arrival.failed(error)


def _fail_to_resume(error: Exception) -> NoReturn:
    """Half of the program may be there: nothing of it, no finalizer either, is to run."""
    import os

    if not isinstance(error, Error):
        _elsewhere.print_exception(error)
        error = InternalError(
            "the program cannot be put together again from its snapshot, which is kept",
            "this is a defect of elsewhere: report it with the lines above",
        )
    _say(error)
    sys.stderr.flush()
    os._exit(error.exit_code)


def _say(error: Error) -> None:
    print(f"error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)


def _exit_with(error: Error) -> NoReturn:
    _say(error)
    sys.exit(error.exit_code)


def _run(run: Callable[[], object]) -> BaseException | None:
    try:
        run()
    except BaseException as error:
        return error
    return None
