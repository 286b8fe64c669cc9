"""The program's own modules that it imports only after it has moved."""

from __future__ import annotations

import os
import sys

from elsewhere._elsewhere import library_folders


def find_module(name: str, path: list[str]) -> tuple[str, bool, bytes] | None:
    """File name, is it a package, source: what `import name` would take from `path`.

    Nothing is imported for it. What is installed is not sent: it has to be installed there.
    """
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, path)
        except Exception:  # a finder of the program's: then it does not have it
            continue
        if spec is None or not spec.origin or spec.loader is None:
            continue
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
    return None
