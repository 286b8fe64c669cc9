"""Start of a program under `elsewhere run` and `elsewhere resume`.

The command executes this file with the target interpreter, which need not have elsewhere
installed. It makes the interpreter look as `python SCRIPT ARGUMENTS` would, takes the signals
that suspend, and hands over to the native engine, under which this file's frame is out of sight.
"""


def _read_instructions():
    import _json
    import os

    class Decoder:  # what _json.make_scanner asks for; importing json would cost more than all else
        strict = True
        object_hook = object_pairs_hook = parse_constant = None
        parse_float = float
        parse_int = int
        memo = {}

    told, _ = _json.make_scanner(Decoder)(os.environ.pop("ELSEWHERE_RUN"), 0)
    if told["original_hash_seed"] is None:
        os.environ.pop("PYTHONHASHSEED", None)
    else:
        os.environ["PYTHONHASHSEED"] = told["original_hash_seed"]
    return told


def _import_elsewhere():
    """`import elsewhere` without a word in sys.path."""
    import sys
    from importlib.util import module_from_spec, spec_from_file_location

    here = __file__.rpartition("/")[0]
    spec = spec_from_file_location(
        "elsewhere", here + "/__init__.py", submodule_search_locations=[here]
    )
    package = module_from_spec(spec)
    sys.modules["elsewhere"] = package
    spec.loader.exec_module(package)


def _new_main():
    """A fresh `__main__`, as the interpreter makes it."""
    import builtins
    import sys

    main = type(sys)("__main__")
    main.__loader__ = None
    main.__annotations__ = {}
    main.__builtins__ = builtins
    sys.modules["__main__"] = main
    return main


def _set_path0(first):
    """sys.path[0] is the directory of this file; `first` takes its place (None: nothing)."""
    import sys

    if not sys.flags.safe_path:
        sys.path[:1] = [] if first is None else [first]
    elif first is not None and first.endswith((".zip", ".pyz")):
        sys.path.insert(0, first)


def _absolute(path):
    """As CPython does it: nothing but a leading ./ is taken out."""
    import os

    return path if path.startswith("/") else f"{os.getcwd()}/{path.removeprefix('./')}"


def _runs_as_package(path):
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


def _compile(source, filename):
    """The program's code; a syntax error ends it as it ends `python SCRIPT`."""
    import sys

    try:
        return compile(source, filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        from elsewhere import _elsewhere

        _elsewhere.print_exception(error.with_traceback(None))
        sys.exit(1)


def _start(told):
    """Prepares a fresh program; returns the call that runs it."""
    import os
    import sys
    from functools import partial

    from elsewhere import _elsewhere

    main = _new_main()
    target, program = told["target"], told["program"]
    interpreter = [sys.orig_argv[0], *told["interpreter_arguments"]]
    if target == "command":
        sys.argv = ["-c", *told["arguments"]]
        sys.orig_argv = [*interpreter, "-c", program, *told["arguments"]]
        _set_path0("")
        from importlib.machinery import BuiltinImporter

        main.__loader__ = BuiltinImporter
        code = _compile(program, "<string>")
        if sys.version_info >= (3, 13):  # tracebacks show its lines
            import linecache

            linecache._register_code(code, program, "<string>")
        return partial(_elsewhere.run_code, code, vars(main))
    if target == "module":
        sys.argv = ["-m", *told["arguments"]]
        sys.orig_argv = [*interpreter, "-m", program, *told["arguments"]]
        _set_path0(os.getcwd())
        import runpy

        return partial(_elsewhere.run_callable, runpy._run_module_as_main, program)
    sys.argv = [program, *told["arguments"]]
    sys.orig_argv = [*interpreter, *sys.argv]
    if _runs_as_package(program):
        path = _absolute(program)
        _set_path0(path)
        import runpy

        return partial(
            _elsewhere.run_callable,
            partial(runpy._run_module_as_main, alter_argv=False),
            "__main__",
        )
    from importlib.machinery import SourceFileLoader, SourcelessFileLoader

    path = _absolute(program)
    _set_path0(os.path.dirname(os.path.realpath(program)))
    loader = SourcelessFileLoader if path.endswith(".pyc") else SourceFileLoader
    main.__loader__ = loader("__main__", path)
    main.__file__ = path
    main.__cached__ = None
    if loader is SourcelessFileLoader:
        code = main.__loader__.get_code("__main__")
    else:
        with open(path, "rb") as file:
            code = _compile(file.read(), path)
    return partial(_elsewhere.run_code, code, vars(main))


def _resume(told):
    """Prepares the interpreter for a program out of a snapshot; returns the call that runs it."""
    import sys
    from functools import partial

    from elsewhere import _elsewhere

    _new_main()
    _set_path0(None)
    named = {"script": [told["program"]], "module": ["-m", told["program"]]}
    named["command"] = ["-c", told["program"]]
    sys.orig_argv = [
        sys.orig_argv[0],
        *told["interpreter_arguments"],
        *named.get(told["target"], []),
        *told["arguments"],
    ]
    return partial(_elsewhere.resume_program, told["file"], told["clone"])


def _source_is_gone(traceback):
    """Does the traceback lead through a file that only the snapshot still had?"""
    import os

    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if not name.startswith("<") and not os.path.exists(name):
            return True
        traceback = traceback.tb_next
    return False


def _finish(error):
    """The end of the program, as the interpreter does it; `error` is what ended it or None."""
    import sys

    from elsewhere import _elsewhere, _program

    _elsewhere.stop()
    if isinstance(error, SystemExit):
        if error.code in (None, 0, False):
            _program.completed()
        raise error.with_traceback(None)
    if error is None:
        _program.completed()
        return
    # The first entry is the frame of this file.
    traceback = error.__traceback__.tb_next if error.__traceback__ else None
    if sys.excepthook is sys.__excepthook__ and _source_is_gone(traceback):
        from traceback import print_exception

        # Before 3.13 the built-in hook reads the files itself; this one asks linecache.
        sys.excepthook = print_exception
    _elsewhere.print_exception(error.with_traceback(traceback))
    if isinstance(error, KeyboardInterrupt):
        # Shown already; the interpreter ends by SIGINT when it comes out of the main program.
        sys.excepthook = lambda *_: None
        raise error
    sys.exit(1)


def _main():
    told = _read_instructions()
    import sys

    try:
        _import_elsewhere()
    except ImportError as error:
        if error.name != "elsewhere._elsewhere":
            raise
        print(f"error: there is no engine for {sys.executable}: {error}", file=sys.stderr)
        print("hint: use another interpreter with --python", file=sys.stderr)
        sys.exit(78)
    if sys.flags.ignore_environment:
        told["hash_seed"] = None  # -E and -I: it was not heard

    from elsewhere import _elsewhere, _program, _state
    from elsewhere.errors import Error

    try:
        if _elsewhere.disabled is not None:
            from elsewhere.errors import Unsupported

            raise Unsupported(
                f"the engine does not work in {sys.executable}: {_elsewhere.disabled}",
                "use another interpreter with --python",
            )
        _program.remember(told)
        _elsewhere.install(told)
        _state.remember_start()
        run = _start(told) if told["mode"] == "run" else _resume(told)
    except Error as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
    return run


def _run(run):
    try:
        run()
    except BaseException as error:
        return error
    return None


_error = _run(_main())
_finish(_error)
