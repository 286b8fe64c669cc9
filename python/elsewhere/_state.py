"""The interpreter's own state: what a program has set that no object of it holds.

`capture()` returns a dict that is frozen with the program, under "modules" the program's own
modules; `restore()` applies it in the process that the program goes on in. Only what differs from
a fresh interpreter is in it, so that a small program wakes up without imports it does not need.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

# What this process was like before the program: remember_start().
_start: dict[str, Any] = {}
# "suspend": the program wrote nothing since the snapshot. "checkpoint": it may have gone on, and
# what it wrote after the snapshot is cut off. Set before a thaw by whoever knows.
purpose = "suspend"

# Kept by role, by other keys of the state, or the interpreter's own business.
_NOT_SET_BY_PROGRAMS = {
    "stdin",
    "stdout",
    "stderr",
    "__stdin__",
    "__stdout__",
    "__stderr__",
    "argv",
    "path",
    "meta_path",
    "path_hooks",
    "modules",
    "path_importer_cache",
    "last_type",
    "last_value",
    "last_traceback",
    "last_exc",
    "flags",
    "orig_argv",
    "executable",
    "base_prefix",
    "base_exec_prefix",
    "prefix",
    "exec_prefix",
    "_framework",
    "monitoring",
    "__spec__",
    "__loader__",
    "_home",
    "_base_executable",
}
# What _state_modules restores.
_OF_MODULES = {"submodules", "warnings", "shown", "random", "decimal", "locale", "logging"}
_OF_MODULES |= {"patches", "registries", "locks", "atexit"}
_LISTS = ("argv", "path", "meta_path", "path_hooks")
# The process that resumes starts with others, whether or not the program has changed its own.
_ALWAYS = ("argv", "path")


has_forked = False  # os.fork was called since all children were seen to be gone


def note_fork() -> None:
    global has_forked
    has_forked = True


def remember_start() -> None:
    """Called once before the program starts, in a fresh and in a resumed process alike."""
    import _signal  # type: ignore[import-not-found]
    import _warnings
    import builtins
    import gc

    from elsewhere import _elsewhere

    os.register_at_fork(after_in_parent=note_fork)
    _start.update(
        environ=_environment(),
        atexit=_elsewhere.layout_atexit_callbacks(),
        sys=dict(vars(sys)),
        builtins=dict(vars(builtins)),
        lists={name: list(getattr(sys, name)) for name in _LISTS},
        numbers=_numbers(),
        signals=[_signal.getsignal(number) for number in range(1, _signal.NSIG)],
        warnings=list(_warnings.filters),
        gc=(gc.isenabled(), gc.get_threshold()),
        loaded=frozenset(sys.modules),
        imported=_elsewhere.watch_imports(os.path.dirname(os.__file__)),
    )


def _assume_start() -> None:
    """For a program that was not started by `elsewhere run`: what a fresh interpreter is like."""
    remember_start()
    with open("/proc/self/environ", "rb") as file:
        pairs = [entry.partition(b"=") for entry in file.read().split(b"\0") if entry]
    _start["environ"] = {name: value for name, _, value in pairs}
    hooks = ("excepthook", "displayhook", "unraisablehook", "breakpointhook")
    for name in hooks:
        _start["sys"][name] = _start["sys"][f"__{name}__"]
    _start["numbers"].update(recursion=1000, switch=0.005, digits=4300, origins=0)
    _start["lists"] = {name: None for name in _LISTS}
    _start["warnings"] = _usual_warnings()
    _start["atexit"] = []
    _start["loaded"] = frozenset()
    _start["imported"] = {}  # the program may have changed modules before
    _start["signals"] = list(map(_usual_handler, range(1, len(_start["signals"]) + 1)))


def _usual_handler(number: int) -> Any:
    import _signal as signal

    if number == signal.SIGINT:
        return signal.default_int_handler
    ignored = (signal.SIGPIPE, signal.SIGXFSZ)
    return signal.SIG_IGN if number in ignored else signal.SIG_DFL


def _usual_warnings() -> list[Any] | None:
    """The filters of an interpreter without options of its own; None: not known."""
    if sys.warnoptions or hasattr(sys, "gettotalrefcount"):
        return None
    ignored = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
    shown = ("default", None, DeprecationWarning, "__main__", 0)
    return [shown, *(("ignore", None, kind, None, 0) for kind in ignored)]


def _environment() -> dict[Any, Any]:
    return dict(os.environ._data)  # type: ignore[attr-defined]  # encoded: decoding costs more


def _numbers() -> dict[str, Any]:
    mask = os.umask(0)
    os.umask(mask)
    return {
        "umask": mask,
        "recursion": sys.getrecursionlimit(),
        "switch": sys.getswitchinterval(),
        "origins": sys.get_coroutine_origin_tracking_depth(),
        "digits": getattr(sys, "get_int_max_str_digits", int)(),  # not in each release before 3.11
    }


def capture() -> dict[str, Any]:
    """Everything to keep. Flushes files; changes nothing else. Raises Refused."""
    from elsewhere import _elsewhere
    from elsewhere._keep import files, tasks
    from elsewhere._state_forks import refuse_children
    from elsewhere._state_modules import changed_modules, own_modules
    from elsewhere._state_stdin import capture_stdin
    from elsewhere._state_threads import refuse_other_interpreters, refuse_other_threads
    from elsewhere._state_waits import refuse_holders

    if not _start:
        _assume_start()
    refuse_other_threads()
    refuse_other_interpreters()
    refuse_holders()
    refuse_children()
    files.flush_all()
    own = own_modules()
    directory = _directory()
    surroundings = Surroundings(directory, list(sys.path))
    state: dict[str, Any] = {"first": surroundings, "modules": own, "cwd": directory}
    parts = {
        "numbers": _differences(_numbers(), _start["numbers"]),
        "sys": _sys_attributes(),
        "lists": {
            name: list(getattr(sys, name))
            for name in _LISTS
            if name in _ALWAYS or list(getattr(sys, name)) != _start["lists"][name]
        },
        "builtins": _additions(vars(sys.modules["builtins"]), _start["builtins"], ()),
        "environ": _environ(),
        "gc": _collector(),
        "stdin": capture_stdin(),
        "asyncio": tasks.capture_asyncio(),
        **changed_modules(_start, own),
        "order": [name for name in sys.modules if name.partition(".")[0] != "elsewhere"],
    }
    console = sys.modules.get("elsewhere._console")
    if console is not None:
        parts["console"] = console.capture()
    traced = sys.gettrace() or sys.getprofile() or hasattr(sys, "monitoring")
    known = "coverage" in sys.modules or "bdb" in sys.modules  # with what is kept beside tracers
    if traced or known or _elsewhere.frames_are_traced():
        from elsewhere._state_tracing import capture_tracing

        parts["tracing"] = capture_tracing()
    state.update((name, part) for name, part in parts.items() if part)
    return state


def ask_last() -> Any:
    """An object to be kept when nothing can refuse any more, as that changes something; or None."""
    if "asyncio.tasks" not in sys.modules:
        return None
    from elsewhere._keep.tasks import Numbering

    return Numbering()


class Surroundings:
    """Where modules are found. Takes effect when it is thawed, ahead of everything that imports."""

    def __init__(self, directory: str, path: list[str]) -> None:
        self.directory = directory
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return enter, (self.directory, self.path)


def enter(directory: str, path: list[str]) -> None:
    from elsewhere.errors import InputOutputError

    arrival = sys.modules.get("elsewhere._travel.arrival")
    other = arrival.directory if arrival is not None else None
    try:
        os.chdir(directory if other is None else os.path.expanduser(other))
    except OSError as error:
        raise InputOutputError(
            f"the program ran in {other or directory}, and that cannot be entered: "
            f"{error.strerror}",
            "make the directory again"
            if arrival is None
            else "make it there, or name another one with //chdir=",
        ) from error
    sys.path[:] = path


def restore(state: dict[str, Any]) -> None:
    """Applies a captured state to this process; the modules are already in place."""
    if (iterators := sys.modules.get("elsewhere._keep.iterators")) is not None:
        iterators.settle()
    lists = state.get("lists", {})
    # Again: what was imported meanwhile may have changed it.
    enter(state["cwd"], lists.get("path", sys.path))
    for name, values in lists.items():
        # In place: the program may hold the list itself.
        getattr(sys, name)[:] = values
    for name, value in state.get("sys", {}).items():
        setattr(sys, name, value)
    vars(sys.modules["builtins"]).update(state.get("builtins", {}))
    for name, value in state.get("environ", {}).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _set_numbers(state.get("numbers", {}))
    if "gc" in state:
        import gc

        enabled, threshold = state["gc"]
        gc.set_threshold(*threshold)
        gc.enable() if enabled else gc.disable()
    if not any(map(_is_missing, state.get("submodules", ()))):
        state.pop("submodules", None)  # so a small program needs none of what follows
    if state.keys() & _OF_MODULES:
        from elsewhere._state_modules import restore_modules

        restore_modules(state)
    if "asyncio" in state:
        from elsewhere._keep.tasks import restore_asyncio

        restore_asyncio(state["asyncio"])
    if "console" in state:
        from elsewhere import _console

        _console.restore(state["console"])
    if "stdin" in state:
        from elsewhere._state_stdin import restore_stdin

        restore_stdin(state["stdin"])
    if "signals" in state or "timers" in state:
        from elsewhere._state_modules import restore_signals
    if iterators is not None:
        iterators.settle_walks()
    _put_in_order(state.get("order", ()))
    # What is done above may need more than the program has left itself.
    sys.setrecursionlimit(state.get("numbers", {}).get("recursion", sys.getrecursionlimit()))
    if "signals" in state or "timers" in state:
        # Last: from here on the program's handlers may run.
        restore_signals(state.get("signals", {}), state.get("timers", {}))


def _put_in_order(names: Any) -> None:
    """As they were imported: what came last goes first when the program ends."""
    modules = sys.modules
    for name in names:
        if name in modules:
            modules[name] = modules.pop(name)


def _is_missing(name: str) -> bool:
    """A submodule of a package that is here."""
    return name not in sys.modules and name.rpartition(".")[0] in sys.modules


def _set_numbers(numbers: dict[str, Any]) -> None:
    setters = {
        "umask": os.umask,
        "switch": sys.setswitchinterval,
        "origins": sys.set_coroutine_origin_tracking_depth,
        "digits": getattr(sys, "set_int_max_str_digits", int),
    }
    for name, setter in setters.items():
        if name in numbers:
            setter(numbers[name])


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        from elsewhere.errors import Refused

        raise Refused(
            f"the current directory is gone: {error.strerror}",
            "change to an existing directory before suspending",
        ) from error


def _differences(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in now.items() if value != before[name]}


def _additions(now: dict[str, Any], before: dict[str, Any], skipped: Any) -> dict[str, Any]:
    """What was bound to another object than before, or is new."""
    missing = object()
    return {
        name: value
        for name, value in now.items()
        if before.get(name, missing) is not value and name not in skipped
    }


def _sys_attributes() -> dict[str, Any]:
    changed = _additions(vars(sys), _start["sys"], _NOT_SET_BY_PROGRAMS)
    # Submodules of packages are never attributes of sys; a module there was set by the program,
    # but a built-in one imported late is not.
    changed = {n: v for n, v in changed.items() if not isinstance(v, type(sys))}
    for name in ("stdin", "stdout", "stderr"):
        # The process' own stream stands for itself, whatever it is there.
        if getattr(sys, name, None) is not getattr(sys, f"__{name}__"):
            changed[name] = getattr(sys, name)
    return changed


def _environ() -> dict[str, str | None]:
    before, now = _start["environ"], _environment()
    changes: dict[str, str | None] = {
        os.fsdecode(name): os.fsdecode(value)
        for name, value in now.items()
        if before.get(name) != value
    }
    changes.update((os.fsdecode(name), None) for name in before if name not in now)
    return changes


def _collector() -> tuple[bool, tuple[int, ...]] | None:
    import gc

    now = (gc.isenabled(), gc.get_threshold())
    return None if now == _start["gc"] else now
