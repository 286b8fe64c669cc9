"""Interpreter state: captured, upset, restored."""

import atexit
import builtins
import contextlib
import decimal
import gc
import json
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings

from elsewhere import _state

_state.remember_start()

from copying import copied, run  # noqa: E402

from elsewhere.errors import InputOutputError, Refused  # noqa: E402


def case_nothing_is_kept_of_an_untouched_interpreter():
    kept = _state.capture()
    usual = {"first", "modules", "order", "submodules", "cwd", "lists", "random", "decimal", "logging"}
    assert set(kept) <= usual, set(kept)
    # Always whole: the process that resumes starts with others.
    assert kept["lists"] == {"argv": sys.argv, "path": sys.path}
    assert set(kept["modules"]) == {"__main__", "copying"}
    assert kept["modules"]["__main__"] is sys.modules["__main__"]


def case_lists_and_numbers_of_sys():
    argv, path = sys.argv, sys.path
    argv.append("more")
    path.insert(0, "/some/where")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(4321)
    mask = os.umask(0o27)
    kept = _state.capture()
    sys.setrecursionlimit(limit)
    os.umask(mask)
    argv.pop(), path.pop(0)
    _state.restore(kept)
    assert sys.argv is argv and argv.pop() == "more"
    assert sys.path is path and path.pop(0) == "/some/where"
    assert sys.getrecursionlimit() == 4321 and os.umask(mask) == 0o27
    sys.setrecursionlimit(limit)


def case_attributes_of_sys_and_builtins():
    class Writer:
        pass

    stdout, writer = sys.stdout, Writer()
    hook = sys.excepthook
    sys.stdout, sys.excepthook, sys.ps1, builtins.extra = writer, len, "? ", 5
    kept = _state.capture()
    sys.stdout, sys.excepthook = stdout, hook
    del sys.ps1, builtins.extra
    assert kept["sys"] == {"stdout": writer, "excepthook": len, "ps1": "? "}
    _state.restore(kept)
    found = sys.stdout, sys.excepthook, sys.ps1, builtins.extra
    sys.stdout, sys.excepthook = stdout, hook
    del sys.ps1, builtins.extra
    assert found == (writer, len, "? ", 5)


def case_environment():
    os.environ["ELSEWHERE_CASE"] = "added"
    home = os.environ.pop("PATH")
    kept = _state.capture()
    assert kept["environ"] == {"ELSEWHERE_CASE": "added", "PATH": None}
    os.environ["PATH"] = home
    del os.environ["ELSEWHERE_CASE"]
    _state.restore(kept)
    assert os.environ.pop("ELSEWHERE_CASE") == "added" and "PATH" not in os.environ
    os.environ["PATH"] = home


def case_directory():
    before = os.getcwd()
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    kept = _state.capture()
    os.chdir(before)
    _state.restore(kept)
    assert os.getcwd() == os.path.realpath(folder)
    os.rmdir(folder)
    with contextlib.suppress(Refused):
        _state.capture()
        raise AssertionError("a directory that is gone was kept")
    os.chdir(before)
    try:
        _state.restore(kept)
    except InputOutputError as error:
        assert folder in str(error)
    else:
        raise AssertionError("entered a directory that is gone")


def case_random_and_decimal():
    random.random()
    context = decimal.getcontext()
    context.prec = 7
    kept = _state.capture()
    numbers = [random.random(), random.gauss(0, 1)]
    decimal.setcontext(decimal.Context())
    _state.restore(kept)
    assert [random.random(), random.gauss(0, 1)] == numbers
    assert decimal.getcontext() is context
    decimal.setcontext(decimal.Context())


def case_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        expected = list(warnings.filters)
        kept = _state.capture()
    _state.restore(kept)
    assert warnings.filters == expected
    try:
        warnings.warn("now an error")
    except UserWarning:
        pass
    else:
        raise AssertionError("the filter has no effect")
    warnings.filters[:] = expected[1:]
    warnings._filters_mutated()


def case_garbage_collector():
    gc.disable()
    gc.set_threshold(123, 4, 5)
    kept = _state.capture()
    gc.enable()
    gc.set_threshold(700, 10, 10)
    _state.restore(kept)
    assert not gc.isenabled() and gc.get_threshold()[:2] == (123, 4)
    gc.enable()
    _state.restore({"cwd": os.getcwd(), "gc": _state._start["gc"]})
    assert "gc" not in _state.capture()


def case_signals_and_timers():
    signal.signal(signal.SIGHUP, handler)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 50, 3)
    kept = _state.capture()
    assert kept["signals"] == {signal.SIGHUP: handler, signal.SIGPIPE: signal.SIG_DFL}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    _state.restore(kept)
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, 0)
    assert 40 < remaining <= 50 and interval == 3
    assert signal.signal(signal.SIGHUP, signal.SIG_DFL) is handler
    assert signal.signal(signal.SIGPIPE, signal.SIG_IGN) == signal.SIG_DFL


def handler(number, frame):
    pass


def case_exit_functions():
    atexit.register(print, "by", "hand")
    atexit.register(handler, 1, frame=2)
    kept = _state.capture()
    expected = [(print, ("by", "hand"), {}), (handler, (1,), {"frame": 2})]
    assert registered(kept) == expected
    atexit.unregister(print), atexit.unregister(handler)
    assert "atexit" not in _state.capture()
    _state.restore(kept)
    found = registered(_state.capture())
    atexit.unregister(print), atexit.unregister(handler)
    assert found == expected


def registered(kept):
    return [(function, args, kwargs or {}) for function, args, kwargs in kept["atexit"]]


def case_logging():
    root, own = logging.getLogger(), logging.getLogger("a.b")
    shown = logging.StreamHandler()
    shown.set_name("shown")
    root.addHandler(shown)
    own.setLevel(logging.DEBUG)
    own.propagate = False
    own.filters.append(handler)
    logging.disable(logging.INFO)
    logging.addLevelName(25, "NOTICE")
    kept = _state.capture()
    assert set(kept["logging"]["loggers"]) == {"root", "a.b"}
    twin = copied(kept["logging"])["handlers"][0]
    assert twin.stream is sys.stderr and twin.get_name() == "shown"
    root.removeHandler(shown)
    own.setLevel(0), own.filters.clear()
    own.propagate = True
    logging.disable(0)
    logging._handlers.pop("shown")
    _state.restore(kept)
    assert root.handlers == [shown] and own.level == logging.DEBUG and not own.propagate
    assert own.filters == [handler] and logging.root.manager.disable == logging.INFO
    assert logging.getLevelName(25) == "NOTICE" and logging._handlers["shown"] is shown
    root.removeHandler(shown), logging.disable(0), own.setLevel(0)


def case_patched_modules():
    original = time.sleep, json.JSONEncoder

    class Encoder(json.JSONEncoder):
        pass

    time.sleep, json.JSONEncoder = handler, Encoder
    kept = _state.capture()
    time.sleep, json.JSONEncoder = original
    replaced = {"time": {"sleep": handler}, "json": {"JSONEncoder": Encoder}}
    changed = kept["patches"].pop("changed")
    assert {name: list(changed[name]) for name in replaced} == {
        "time": ["sleep"], "json": ["JSONEncoder"]}, changed
    kept["patches"]["attributes"].pop("tempfile", None)  # its default, made at the first use
    # On 3.15, where imports may be lazy, also who has taken what was there before.
    kept["patches"].pop("taken", None)
    assert kept["patches"] == {"attributes": replaced}, kept["patches"]
    _state.restore(kept)
    found = time.sleep, json.JSONEncoder
    time.sleep, json.JSONEncoder = original
    assert found == (handler, Encoder)


def case_locale():
    try:
        locale.setlocale(locale.LC_NUMERIC, "C.UTF-8")
    except locale.Error:
        return  # this machine has the one locale only
    kept = _state.capture()
    locale.setlocale(locale.LC_NUMERIC, "C")
    _state.restore(kept)
    assert locale.setlocale(locale.LC_NUMERIC) == "C.UTF-8"
    locale.setlocale(locale.LC_NUMERIC, "C")
    kept["locale"] = {locale.LC_NUMERIC: "xx_YY"}
    try:
        _state.restore(kept)
    except InputOutputError as error:
        assert "xx_YY" in str(error)
    else:
        raise AssertionError("an unknown locale was set")


def in_process_with_stdin(content, program):
    """The output of a program on a redirected file, that many lines into it."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        before = "import sys, os; from elsewhere import _state; _state.remember_start()\n"
        ended = subprocess.run(
            [sys.executable, "-c", before + program], stdin=file, capture_output=True, text=True
        )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def case_what_was_read_ahead_from_stdin():
    lines = b"".join(b"line %d\n" % n for n in range(5000))
    program = """
for _ in range(1000): next(sys.stdin)
kept = _state.capture()
rest = sys.stdin.read()
os.lseek(0, 0, 0)
fresh = open(0, closefd=False)
sys.__stdin__ = sys.stdin = fresh
_state.restore(kept)
print(rest == sys.stdin.read(), rest[:9], "stdin" in _state.capture())
"""
    assert in_process_with_stdin(lines, program) == "True line 1000 True\n"
    program = "print('stdin' in _state.capture())"
    assert in_process_with_stdin(lines, program) == "False\n"


def case_a_program_that_was_started_otherwise():
    program = """
import os, signal, sys, warnings
from elsewhere import _state
os.environ["ADDED"] = "1"
sys.excepthook = len
sys.argv.append("x")
sys.setrecursionlimit(2000)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
kept = _state.capture()
print(kept["environ"]["ADDED"], kept["sys"], kept["lists"]["argv"], kept["numbers"])
print({int(number): int(handler) for number, handler in kept["signals"].items()})
"""
    expected = "1 {'excepthook': <built-in function len>} ['-c', 'x'] {'recursion': 2000}\n{1: 1}\n"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.stdout == expected, found


def case_files_are_flushed():
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("text")
        _state.capture()
        assert os.path.getsize(file.name) == 4


def case_other_threads_are_refused_by_name_and_line():
    go = threading.Event()
    thread = threading.Thread(target=go.wait, name="waiting one")
    thread.start()
    try:
        _state.capture()
    except Refused as error:
        assert "waiting one" in error.message and "threading.py:" in error.message
    else:
        raise AssertionError("not refused")
    finally:
        go.set()
        thread.join()
    _state.capture()


run(globals())
