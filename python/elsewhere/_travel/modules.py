"""Modules of this interpreter that another one asks for.

Of a program that has moved: its own, that it imports only after that. What a gateway's worker asks
for goes as a whole package: elsewhere/_gateway/bundle.py.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


def spec_of(name: str, path: list[str] | None) -> ModuleSpec | None:
    """What `import name` would find in `path` (None: anywhere). Nothing is imported for it."""
    for finder in list(sys.meta_path):
        try:
            spec = finder.find_spec(name, path)
        except Exception:  # a finder of the program's: then it does not have it
            continue
        if spec is not None:
            return spec
    return None


def find_module(name: str, path: list[str]) -> tuple[str, bool, bytes] | None:
    """File name, is it a package, source: what `import name` would take from `path`.

    What is installed is not sent: it has to be installed there.
    """
    from elsewhere._elsewhere import library_folders

    spec = spec_of(name, path)
    if spec is None or not spec.origin or spec.loader is None:
        return None
    if spec.origin.startswith(library_folders()) or "/site-packages/" in spec.origin:
        return None
    read = getattr(spec.loader, "get_source", None)
    try:
        source = read(name) if read is not None else None
        text = None if source is None else source.encode()
    except Exception:  # unreadable, or in no encoding: the program there gets an ImportError
        return None
    if text is None:
        return None
    location = os.path.abspath(spec.origin) if os.path.exists(spec.origin) else spec.origin
    return location, spec.submodule_search_locations is not None, text
