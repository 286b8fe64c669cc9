"""What a program has told modules of the library by a call, which they remember in C or in private.

A dialect of csv, a type of files, a prefix of XML, a default timeout. What holds a function or
class of the program's is found by _state_patches; this is plain values, and what no variable has.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

_DIALECTS = {"excel", "excel-tab", "unix"}
_FIELD_LIMIT = 128 * 1024
_PREFIXES = ("xml", "html", "rdf", "wsdl", "xs", "xsi", "dc")  # in this order


def capture_registries() -> dict[str, Any]:
    """By module; only what is not as its import leaves it."""
    found = {}
    for name, (capture, _) in _KEPT.items():
        module = sys.modules.get(name)
        kept = capture(module) if module is not None else None
        if kept:
            found[name] = kept
    return found


def restore_registries(kept: dict[str, Any]) -> None:
    import importlib

    for name, part in kept.items():
        _KEPT[name][1](importlib.import_module(name), part)


def _csv(module: Any) -> dict[str, Any]:
    names = [name for name in module.list_dialects() if name not in _DIALECTS]
    limit = module.field_size_limit()
    kept = {"dialects": {name: module.get_dialect(name) for name in names}}
    return {**kept, "limit": limit} if names or limit != _FIELD_LIMIT else {}


def _restore_csv(module: Any, kept: dict[str, Any]) -> None:
    module.field_size_limit(kept["limit"])
    for name, dialect in kept["dialects"].items():
        module.register_dialect(name, dialect)


def _timeout(module: Any) -> tuple[float, ...]:
    timeout = module.getdefaulttimeout()
    return () if timeout is None else (timeout,)


def _restore_timeout(module: Any, kept: tuple[float]) -> None:
    module.setdefaulttimeout(*kept)


def _extensions(module: Any) -> dict[Any, Any]:
    return dict(module._extension_registry)


def _restore_extensions(module: Any, kept: dict[Any, Any]) -> None:
    module._extension_registry.update(kept)
    module._inverted_registry.update((code, key) for key, code in kept.items())


def _domains(module: Any) -> tuple[Any, ...]:
    found = (module._current_domain, dict(module._localedirs))
    return () if found == ("messages", {}) else found


def _restore_domains(module: Any, kept: tuple[Any, ...]) -> None:
    module._current_domain = kept[0]
    module._localedirs.update(kept[1])


def _first_weekday(module: Any) -> int:
    return int(module.c.firstweekday)


def _restore_first_weekday(module: Any, kept: int) -> None:
    module.c.firstweekday = kept


def _file_types(module: Any) -> Any:
    return module._db


def _restore_file_types(module: Any, kept: Any) -> None:
    module._db = kept


def _prefixes(module: Any) -> dict[str, str]:
    table = module._namespace_map
    return {} if tuple(table.values()) == _PREFIXES else dict(table)


def _restore_prefixes(module: Any, kept: dict[str, str]) -> None:
    module._namespace_map.clear()
    module._namespace_map.update(kept)


def _loader(module: Any) -> dict[str, Any]:
    loader, fresh = vars(module.defaultTestLoader), vars(module.TestLoader())
    return {name: value for name, value in loader.items() if fresh.get(name, module) != value}


def _restore_loader(module: Any, kept: dict[str, Any]) -> None:
    vars(module.defaultTestLoader).update(kept)


_KEPT: dict[str, Any] = {
    "_csv": (_csv, _restore_csv),
    "_socket": (_timeout, _restore_timeout),
    "copyreg": (_extensions, _restore_extensions),
    "gettext": (_domains, _restore_domains),
    "calendar": (_first_weekday, _restore_first_weekday),
    "mimetypes": (_file_types, _restore_file_types),
    "unittest.loader": (_loader, _restore_loader),
    "xml.etree.ElementTree": (_prefixes, _restore_prefixes),
}
