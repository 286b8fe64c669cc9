"""A module or package of this interpreter, whole, for one that lacks it (spec/imports.md).

Nothing is imported for it, and what is no part of a module stays here.
"""

from __future__ import annotations

import os
import sys
from functools import cache, cached_property
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader

from elsewhere._travel.archive import archive_of, cached_code
from elsewhere._travel.files import name_of
from elsewhere._travel.modules import spec_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.machinery import ModuleSpec
    from typing import Any

LONGEST_DATA = 4 << 20  # a file that is no module, and larger, is left out
MOST_DATA = 16 << 20  # of a package, of those
MOST_FILES = 20_000
LARGEST = 256 << 20
COMPILED = tuple([*EXTENSION_SUFFIXES, ".pyd", ".dylib"])
LIBRARY: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())  # from 3.10 on
NOT_SENT = (".pyc", ".pyo", "~")


class Bundle:
    """What goes there.

    Attributes:
        name: the hash of `content`, as files have it that are kept there.
        content: a zip; empty for a module that is a C extension itself.
        extensions: the modules in it that are C extensions, which are not sent.
        is_namespace: it has no `__init__`: parts of it may be elsewhere, too.
    """

    def __init__(self, files: dict[str, bytes], extensions: list[str], is_namespace: bool) -> None:
        folders = {name[: at + 1] for name in files for at in _slashes(name)}
        whole = {**dict.fromkeys(folders, b""), **files}
        self.content = archive_of(sorted(whole.items())) if files else b""
        self.name = name_of(self.content)
        self.extensions = extensions
        self.is_namespace = is_namespace

    @cached_property
    def packed(self) -> bytes:
        """The content as it goes over the wire."""
        import zlib

        return zlib.compress(self.content, 6)


def _slashes(name: str) -> list[int]:
    return [at for at, letter in enumerate(name) if letter == "/"]


_made: dict[tuple[str, bool], tuple[object, Bundle]] = {}


def bundle_of(name: str, with_code: bool) -> Bundle | None:
    """The top-level module or package of that name; None if there is none that could go.

    Args:
        with_code: with bytecode, where it is kept here.
    """
    if not name.isidentifier() or name in LIBRARY or name == "__main__":
        return None
    spec = spec_of(name, None)
    if spec is None or (not LIBRARY and _is_in_library(spec.origin or "")):
        return None
    try:
        gatherer = _gather(name, spec)
    except (OSError, ValueError, SyntaxError):  # unreadable, or in no encoding
        return None
    if gatherer is None:
        return None
    stamp = gatherer.stamp()
    known = _made.get((name, with_code))
    if known is not None and known[0] == stamp:
        return known[1]
    try:
        bundle = gatherer.bundle(with_code)
    except OSError:
        return None
    if bundle is not None:
        _made[name, with_code] = stamp, bundle
    return bundle


def _is_in_library(origin: str) -> bool:
    from elsewhere._elsewhere import library_folders

    installed = "/site-packages/" in origin or "/dist-packages/" in origin
    return origin in ("built-in", "frozen") or (
        origin.startswith(library_folders()) and not installed
    )


def _gather(name: str, spec: ModuleSpec) -> _Gatherer | None:
    """Finds out what there is, and reads none of it, but what has no file of its own."""
    gatherer = _Gatherer(name)
    loader: Any = spec.loader
    if isinstance(loader, ExtensionFileLoader):
        gatherer.extensions.append(name)
        return gatherer
    if spec.submodule_search_locations is None:
        file = spec.origin or ""
        if spec.has_location and file.endswith(".py") and os.path.isfile(file):
            gatherer.modules[f"{name}.py"] = file
            return gatherer
        source = loader.get_source(name) if hasattr(loader, "get_source") else None
        if source is None:
            return None
        gatherer.texts[f"{name}.py"] = source.encode()
        return gatherer
    gatherer.is_namespace = loader is None or not hasattr(loader, "get_source")
    for location in spec.submodule_search_locations:
        if os.path.isdir(location):
            root = os.path.realpath(location)
            gatherer.walk(location, root, f"{name}/", not gatherer.is_namespace)
        elif hasattr(loader, "archive") and location.startswith(loader.archive):
            gatherer.read_archive(loader.archive, location, f"{name}/")
    gatherer.add_metadata(list(spec.submodule_search_locations))
    return gatherer if gatherer.modules or gatherer.texts or gatherer.extensions else None


class _Gatherer:
    """Attributes: name in the archive → where the file is, or what is in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.modules: dict[str, str] = {}
        self.data: dict[str, str] = {}
        self.texts: dict[str, bytes] = {}
        self.extensions: list[str] = []
        self.is_namespace = False
        self.seen = 0

    def walk(self, folder: str, root: str, prefix: str, has_data: bool) -> None:
        """A folder of a package, which lies in `root`. In a namespace only modules are sent."""
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        has_data = has_data or any(entry.name == "__init__.py" for entry in found)
        for entry in found:
            self.seen += 1
            if self.seen > MOST_FILES:
                raise ValueError("too many files for a package")
            name, inside = entry.name, prefix + entry.name
            if name.startswith(".") or name == "__pycache__" or name.endswith(NOT_SENT):
                continue
            if entry.is_dir(follow_symlinks=False):
                if has_data or name.isidentifier():
                    self.walk(entry.path, root, inside + "/", has_data)
            elif not entry.is_file():
                continue
            elif name.endswith(COMPILED):
                self.extensions.append((prefix + name.partition(".")[0]).replace("/", "."))
            elif name.endswith(".py"):
                self.modules.setdefault(inside, entry.path)
            elif has_data and _is_in(entry, root):
                self.data.setdefault(inside, entry.path)

    def read_archive(self, archive: str, location: str, prefix: str) -> None:
        """A package that lies in a zip itself."""
        import zipfile

        begin = os.path.relpath(location, archive).replace(os.sep, "/") + "/"
        with zipfile.ZipFile(archive) as file:
            for name in file.namelist():
                if name.startswith(begin) and not name.endswith(("/", *NOT_SENT, *COMPILED)):
                    self.texts[prefix + name[len(begin) :]] = file.read(name)

    def add_metadata(self, locations: list[str]) -> None:
        """What `importlib.metadata` says of the distribution that it is of."""
        for location in locations:
            beside = os.path.dirname(location)
            if os.path.basename(beside) not in ("site-packages", "dist-packages"):
                continue
            for name in _distributions().get(self.name, ()):
                self.add_files_of(name)

    def add_files_of(self, distribution: str) -> None:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import distribution as find

        try:
            folder = getattr(find(distribution), "_path", None)
        except PackageNotFoundError:
            return
        for name in "METADATA", "entry_points.txt", "top_level.txt":
            path = os.path.join(str(folder), name)
            if os.path.isfile(path):
                self.data[f"{os.path.basename(str(folder))}/{name}"] = path

    def stamp(self) -> object:
        """Changes when a file does."""
        paths = [*self.modules.items(), *self.data.items()]
        files = [(name, path, _changed(path)) for name, path in paths]
        return files, dict(self.texts), list(self.extensions), self.is_namespace

    def bundle(self, with_code: bool) -> Bundle | None:
        files = dict(self.texts)
        for name, path in self.modules.items():
            files[name] = _read(path)
            code = cached_code(path) if with_code else None
            if code is not None:
                files[name + "c"] = _as_pyc(code)
        left = MOST_DATA
        for name, path in self.data.items():
            size = os.stat(path).st_size
            if size <= min(left, LONGEST_DATA):
                files[name] = _read(path)
                left -= size
        if len(files) > MOST_FILES or sum(map(len, files.values())) > LARGEST:
            return None
        return Bundle(files, self.extensions, self.is_namespace)


@cache
def _distributions() -> Mapping[str, list[str]]:
    try:
        from importlib.metadata import packages_distributions
    except ImportError:  # before 3.10
        return {}
    return packages_distributions()


def _is_in(entry: os.DirEntry[str], root: str) -> bool:
    """Whether a file is one of the package's, and no link out of it."""
    if not entry.is_symlink():
        return True
    return os.path.realpath(entry.path).startswith(root + os.sep)


def _changed(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return -1, -1
    return status.st_mtime_ns, status.st_size


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _as_pyc(code: bytes) -> bytes:
    """Of the source beside it, whose time is not looked at."""
    from importlib.util import MAGIC_NUMBER

    return MAGIC_NUMBER + (1).to_bytes(4, "little") + b"\0" * 8 + code
