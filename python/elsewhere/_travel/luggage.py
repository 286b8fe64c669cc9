"""What a program needs of us where nothing is installed: the package, and one engine.

Both are files named by their hash. The package is a zip of compiled modules, uncompressed: it is
read from its place without being unpacked, or from memory.
"""

from __future__ import annotations

import os

from elsewhere._travel.archive import archive_of, cached_code
from elsewhere.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Executed with -c in the far interpreter; argv[1] is the zip.
BOOT = (
    "import sys,zipimport;p=sys.argv[1]+'/elsewhere';"
    "exec(zipimport.zipimporter(p).get_code('_boot'),"
    "{'__name__':'__main__','__file__':p+'/_boot.pyc','__builtins__':__builtins__})"
)
# The modules that receive a program, in the order in which they import each other.
PORTER = ("files", "process", "program", "relay", "porter")
_HERE = os.path.dirname(os.path.dirname(__file__))


def folder() -> str | None:
    """Where the package is installed; None where it lies in a zip itself."""
    return _HERE if os.path.isdir(_HERE) else None


def package() -> bytes:
    """The zip, for this interpreter's minor version."""
    if folder() is None:
        with open(os.path.dirname(_HERE), "rb") as file:
            return file.read()
    files = [(f"elsewhere/{name}c", _compiled(f"{_HERE}/{name}")) for name in sorted(_modules())]
    return archive_of(files)


def _modules() -> list[str]:
    found = []
    for place, _, names in os.walk(_HERE):
        inside = os.path.relpath(place, _HERE)
        found += [os.path.normpath(f"{inside}/{n}") for n in names if n.endswith(".py")]
    return found


def _compiled(path: str) -> bytes:
    """As a .pyc that is good whatever the time of its source."""
    import marshal
    from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader

    code = cached_code(path)
    if code is None:
        # Keeps what it compiles, where that is possible.
        name = "elsewhere." + os.path.relpath(path, _HERE).removesuffix(".py").replace("/", ".")
        code = marshal.dumps(SourceFileLoader(name, path).get_code(name))
    return MAGIC_NUMBER + b"\0" * 12 + code


def engine_path(tag: str) -> str:
    """Where the extension module for that interpreter is, if there is one."""
    return _native_path("_elsewhere", tag)


def link_path(tag: str) -> str:
    """The same for the part of it that a worker needs, a quarter of the whole."""
    return _native_path("_link", tag)


def _native_path(module: str, tag: str) -> str:
    from elsewhere import _program

    arrival = _program.told.get("arrival") or {}
    if "engine" in arrival and tag == _program.tag():  # the whole of it, and nothing else, came
        path: str = arrival["engine"]
        return path
    return f"{_HERE}/{module}.{tag}.so"


def engine(path: str) -> bytes:
    """What is at engine_path() or link_path().

    Raises:
        elsewhere.errors.Unsupported: there is nothing.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Unsupported(
            f"there is no engine {path}", "use a Python that this elsewhere was built for"
        ) from error


def engine_name(path: str) -> str:
    """The hash of engine(path): looked for once, as long as the file is the same.

    Raises:
        elsewhere.errors.Unsupported: there is none.
    """
    try:
        status = os.stat(path)
    except OSError:
        return name(engine(path))  # says what is wrong
    key = path, status.st_ino, status.st_mtime_ns, status.st_size
    found = _engine_names.get(key)
    if found is None:
        found = _engine_names[key] = name(engine(path))
    return found


_engine_names: dict[tuple[str, int, int, int], str] = {}


def pack() -> None:
    """Does what packed() and part() take longest for, while there is nothing else to do."""
    from _frozen_importlib_external import MAGIC_NUMBER

    _packed[:] = [_named_package()]
    for module in PORTER:
        part(module, MAGIC_NUMBER)


def packed() -> tuple[bytes, str]:
    """package() and its hash."""
    return _packed.pop() if _packed else _named_package()


def _named_package() -> tuple[bytes, str]:
    content = package()
    return content, name(content)


_packed: list[tuple[bytes, str]] = []


def name(content: bytes) -> str:
    from elsewhere._travel.files import name_of

    return name_of(content)


def part(module: str, magic: bytes, package: str = "_travel") -> bytes | str:
    """A module of ours that runs at the far end: code for a Python like this one, else its text."""
    key = (module, magic, package)
    if key not in _parts:
        _parts[key] = _read_part(*key)
    return _parts[key]


_parts: dict[tuple[str, bytes, str], bytes | str] = {}


def _read_part(module: str, magic: bytes, package: str) -> bytes | str:
    from _frozen_importlib_external import MAGIC_NUMBER, PathFinder

    spec = PathFinder.find_spec(f"elsewhere.{package}.{module}", [f"{_HERE}/{package}"])
    assert spec is not None
    loader: Any = spec.loader
    if magic == MAGIC_NUMBER:
        import marshal

        return marshal.dumps(loader.get_code(spec.name))
    text: str = loader.get_source(spec.name)
    return text
