"""State that lives inside modules of the standard library, and the program's own modules."""

from __future__ import annotations

import sys

from elsewhere import _elsewhere
from elsewhere._keep.locks import held_locks, restore_held_locks
from elsewhere._state_patches import patches, restore_patches
from elsewhere._state_registries import capture_registries, restore_registries

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any
else:
    ModuleType = type(sys)  # types itself takes longer to import too

# ---- the program's own modules -------------------------------------------------------------------


def own_modules() -> dict[str, ModuleType]:
    """By name: __main__ and whatever was not installed; those are kept by value."""
    library = _elsewhere.library_folders()
    modules = list(sys.modules.items())
    # Not one that only says it is a module: what cffi offers of a library.
    return {n: m for n, m in modules if issubclass(type(m), ModuleType) and _is_own(n, m, library)}


def _is_own(name: str, module: ModuleType, library: tuple[str, ...]) -> bool:
    if name == "__main__":
        return True
    namespace = vars(module)
    file = namespace.get("__file__")
    if file is None and type(module) is not ModuleType:
        file = getattr(module, "__file__", None)  # one in front of another (cryptography)
    if file is None:
        paths = list(namespace.get("__path__") or ())
        if not paths:
            spec = namespace.get("__spec__")
            return spec is None and not _elsewhere.made_by_extension(module)
        file = paths[0]
    installed = "/site-packages/" in file or "/dist-packages/" in file
    return not installed and not file.startswith(library)


# ---- capture -------------------------------------------------------------------------------------


def changed_modules(start: dict[str, Any], own: dict[str, ModuleType]) -> dict[str, Any]:
    return {
        "submodules": _submodules(own, start["loaded"]),
        "warnings": _warnings(start["warnings"]),
        "shown": _shown_warnings(own, start["imported"]),
        "random": sys.modules["random"].getstate() if "random" in sys.modules else None,
        "decimal": sys.modules["decimal"].getcontext() if "decimal" in sys.modules else None,
        "locale": _locale() if "locale" in sys.modules else None,
        "logging": _logging() if "logging" in sys.modules else None,
        "patches": patches(own, start["imported"]),
        "registries": capture_registries(),
        "locks": held_locks(own),
        "atexit": _exit_functions(start["atexit"]),
        "signals": _signals(start["signals"]),
        "timers": _timers() if "signal" in sys.modules else None,
    }


def _submodules(own: dict[str, ModuleType], loaded: frozenset[str]) -> list[str]:
    """Those of library packages: `import a.b` makes b an attribute of a, which the program has."""
    found = []
    for name, module in list(sys.modules.items()):
        package, _, attribute = name.rpartition(".")
        if not package or name in loaded or name in own or package in own:
            continue
        if name.startswith("elsewhere._"):  # imported to leave, and by whatever needs it
            continue
        if isinstance(module, ModuleType):
            holder = getattr(sys.modules.get(package), "__dict__", {})
            if holder.get(attribute) is module and module.__name__ == name:
                found.append(name)
    return sorted(found)


def _warnings(before: list[Any]) -> dict[str, Any] | None:
    import _warnings

    module = sys.modules.get("warnings", _warnings)
    now = {
        "filters": list(module.filters),
        "once": dict(_warnings._onceregistry),
        "recorder": _recorder(module),
        "held": _times_held(),
    }
    usual: dict[str, Any] = {"filters": before, "once": {}, "recorder": None, "held": 0}
    return None if now == usual else now


def _times_held() -> int:
    """How often the stack holds the lock that the filters have from 3.14 on."""
    import _warnings

    release: Any = getattr(_warnings, "_release_lock", None)
    times = 0
    try:
        while release is not None:
            release()
            times += 1
    except RuntimeError:  # not held, or no more
        for _ in range(times):
            _warnings._acquire_lock()  # type: ignore[attr-defined]
    return times


def _recorder(module: Any) -> Any:
    """The append of the list that `catch_warnings(record=True)` fills, while it does."""
    show = getattr(module, "_showwarnmsg_impl", None)
    return show if type(show) is type(len) else None


def _shown_warnings(
    own: dict[str, ModuleType], imported: dict[str, dict[str, Any]]
) -> dict[str, Any] | None:
    """What modules have noted so as not to warn of it again, and whether that still holds."""
    noted = {
        name: namespace["__warningregistry__"]
        for name, module in list(sys.modules.items())
        if isinstance(module, ModuleType) and "__warningregistry__" in (namespace := vars(module))
    }
    if not noted:
        return None
    age = _age_of_filters()
    return {
        # The same one that the stack holds; but a module's own is known by name.
        "libraries": {
            name: registry if name in imported else dict(registry)
            for name, registry in noted.items()
            if name not in own
        },
        "age": age,
    }


def _age_of_filters() -> int:
    """What a registry has for "version" unless the filters were changed since."""
    import _warnings

    registry: dict[Any, Any] = {}
    filters = sys.modules.get("warnings", _warnings).filters
    before = list(filters)
    filters[:] = [("ignore", None, Warning, None, 0)]
    try:
        _warnings.warn_explicit("", Warning, "", 1, "", registry)
    finally:
        filters[:] = before
    age: int = registry["version"]
    return age


def _locale() -> dict[int, str] | None:
    import locale

    # Python itself sets LC_CTYPE at its start, from the environment.
    names = ("LC_COLLATE", "LC_MONETARY", "LC_NUMERIC", "LC_TIME", "LC_MESSAGES")
    set_ones = {getattr(locale, name): locale.setlocale(getattr(locale, name)) for name in names}
    return {number: name for number, name in set_ones.items() if name != "C"}


def _logging() -> dict[str, Any] | None:
    import logging

    manager = logging.Logger.manager
    loggers: dict[str, dict[str, Any]] = {}
    for logger_name, logger in [("root", manager.root), *manager.loggerDict.items()]:
        if isinstance(logger, logging.Logger):
            usual: dict[str, Any] = {
                "level": logging.WARNING if logger is manager.root else logging.NOTSET,
                "handlers": [],
                "filters": [],
                "propagate": True,
                "disabled": False,
            }
            changed = {
                name: list(value) if type(value) is list else value
                for name, value in vars(logger).items()
                if name not in _LOGGER_PLACE and (name not in usual or usual[name] != value)
            }
            if changed:
                loggers[logger_name] = changed
    last_resort = logging._defaultLastResort  # type: ignore[attr-defined]
    found = [reference() for reference in logging._handlerList]  # type: ignore[attr-defined]
    handlers = [handler for handler in found if handler not in (None, last_resort)]
    levels = dict(logging._levelToName)
    if not (loggers or handlers or manager.disable or len(levels) != _USUAL_LEVELS):
        return None
    return {"loggers": loggers, "handlers": handlers, "disable": manager.disable, "levels": levels}


_LOGGER_PLACE = frozenset({"name", "parent", "manager", "_cache"})
_USUAL_LEVELS = 6


def _exit_functions(before: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    if failure := _elsewhere.layout_self_test():
        from elsewhere.errors import Refused

        raise Refused(f"this Python is not as expected: {failure}", "report its exact version")
    known = {id(row[0]) for row in before}
    library = _elsewhere.library_folders()
    return [
        row
        for row in _elsewhere.layout_atexit_callbacks()
        if id(row[0]) not in known and not _of_library(row[0], library)
    ]


def _of_library(function: Any, library: tuple[str, ...]) -> bool:
    """A library's own function that importing the library registers again."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    if module is None or _is_own(module.__name__, module, library):
        return False
    if function is _elsewhere.settle:
        return True
    of_object = not isinstance(getattr(function, "__self__", module), (type, ModuleType))
    if of_object and not module.__name__.startswith("elsewhere."):
        return False  # which the program has made
    name = getattr(function, "__name__", "")
    return name.startswith("_") or (module.__name__, name) == ("logging", "shutdown")


def _signals(before: list[Any]) -> dict[int, Any]:
    import _signal  # type: ignore[import-not-found]

    return {
        number: handler
        for number, then in enumerate(before, 1)
        # None: a handler that is not Python's, such as ours.
        if (handler := _signal.getsignal(number)) != then and handler is not None
    }


def _timers() -> dict[int, tuple[float, float]]:
    import _signal as signal

    kinds = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
    remaining = {int(kind): signal.getitimer(kind) for kind in kinds}
    return {kind: timer for kind, timer in remaining.items() if timer[0]}


# ---- restore -------------------------------------------------------------------------------------


def restore_modules(state: dict[str, Any]) -> None:
    for name in _restorers:
        if name in state:
            _restorers[name](state[name])


def _restore_submodules(names: list[str]) -> None:
    import importlib

    for name in names:
        if name not in sys.modules and name.rpartition(".")[0] in sys.modules:
            try:
                importlib.import_module(name)
            except Exception:  # what needs it says so, which may be nothing at all
                continue


def _restore_warnings(kept: dict[str, Any]) -> None:
    import _warnings
    import warnings

    warnings.filters[:] = kept["filters"]  # type: ignore[index]
    warnings.onceregistry.update(kept["once"])  # type: ignore[attr-defined]
    if kept["recorder"] is not None:
        warnings._showwarnmsg_impl = kept["recorder"]  # type: ignore[attr-defined]
    warnings._filters_mutated()  # type: ignore[attr-defined]
    for _ in range(kept["held"]):
        _warnings._acquire_lock()  # type: ignore[attr-defined]


def _restore_shown_warnings(kept: dict[str, Any]) -> None:
    import importlib

    for name, registry in kept["libraries"].items():
        vars(importlib.import_module(name))["__warningregistry__"] = registry
    age = _age_of_filters()
    for module in list(sys.modules.values()):
        registry = getattr(module, "__dict__", {}).get("__warningregistry__")
        if type(registry) is dict and "version" in registry:
            # What was out of date stays so.
            registry["version"] = age if registry["version"] == kept["age"] else -1


def _restore_random(kept: Any) -> None:
    import random

    random.setstate(kept)


def _restore_decimal(context: Any) -> None:
    import decimal

    decimal.setcontext(context)


def _restore_locale(kept: dict[int, str]) -> None:
    import locale

    from elsewhere.errors import InputOutputError

    for category, name in kept.items():
        try:
            locale.setlocale(category, name)
        except locale.Error as error:
            raise InputOutputError(
                f"the program runs in the locale {name}, which is not here",
                "install the locale (Debian: dpkg-reconfigure locales)",
            ) from error


def _restore_logging(kept: dict[str, Any]) -> None:
    import logging

    for level, name in kept["levels"].items():
        logging.addLevelName(level, name)
    for handler in kept["handlers"]:
        logging._addHandlerRef(handler)  # type: ignore[attr-defined]
        if handler.name is not None:
            logging._handlers[handler.name] = handler  # type: ignore[attr-defined]
    for name, attributes in kept["loggers"].items():
        logger = logging.getLogger(None if name == "root" else name)
        vars(logger).update(attributes)
    logging.disable(kept["disable"])


def _restore_exit_functions(rows: list[tuple[Any, ...]]) -> None:
    import atexit

    known = _elsewhere.layout_atexit_callbacks()
    for function, args, kwargs in rows:
        if hasattr(function, "__func__") and function in [row[0] for row in known]:
            continue  # of an object that a library has made, and registered again
        atexit.register(function, *args, **(kwargs or {}))


def restore_signals(handlers: dict[int, Any], timers: dict[int, tuple[float, float]]) -> None:
    import _signal as signal

    for number, handler in handlers.items():
        signal.signal(number, handler)
    for kind, (remaining, interval) in timers.items():
        signal.setitimer(kind, remaining, interval)


_restorers: dict[str, Any] = {
    "submodules": _restore_submodules,
    "warnings": _restore_warnings,
    "shown": _restore_shown_warnings,
    "random": _restore_random,
    "decimal": _restore_decimal,
    "locale": _restore_locale,
    "logging": _restore_logging,
    "patches": restore_patches,
    "registries": restore_registries,
    "locks": restore_held_locks,
    "atexit": _restore_exit_functions,
}
