"""What a program needs of us where nothing is installed: the package, and one engine.

Both are files named by their hash. The package is a zip of compiled modules, uncompressed: it is
read from its place without being unpacked, or from memory.
"""

from __future__ import annotations

import os

from elsewhere.errors import Unsupported

# Executed with -c in the far interpreter; argv[1] is the zip.
BOOT = (
    "import sys,zipimport;p=sys.argv[1]+'/elsewhere';"
    "exec(zipimport.zipimporter(p).get_code('_boot'),"
    "{'__name__':'__main__','__file__':p+'/_boot.pyc','__builtins__':__builtins__})"
)
_HERE = os.path.dirname(os.path.dirname(__file__))


def folder() -> str | None:
    """Where the package is installed; None where it lies in a zip itself."""
    return _HERE if os.path.isdir(_HERE) else None


def package() -> bytes:
    """The zip, for this interpreter's minor version."""
    import io

    if folder() is None:
        with open(os.path.dirname(_HERE), "rb") as file:
            return file.read()
    from zipfile import ZipFile, ZipInfo

    content = io.BytesIO()
    with ZipFile(content, "w") as archive:
        for name in sorted(_modules()):
            # One time for all: the same modules have the same hash.
            archive.writestr(ZipInfo(f"elsewhere/{name}c"), _compiled(f"{_HERE}/{name}"))
    return content.getvalue()


def _modules() -> list[str]:
    found = []
    for place, _, names in os.walk(_HERE):
        inside = os.path.relpath(place, _HERE)
        found += [os.path.normpath(f"{inside}/{n}") for n in names if n.endswith(".py")]
    return found


def _compiled(path: str) -> bytes:
    """As a .pyc that is good whatever the time of its source."""
    import marshal
    from importlib.util import MAGIC_NUMBER, cache_from_source

    head = MAGIC_NUMBER + b"\0" * 12
    status = os.stat(path)
    try:
        with open(cache_from_source(path), "rb") as file:
            cached = file.read()
        stamp = (int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF)
        fields = [int.from_bytes(cached[at : at + 4], "little") for at in (4, 8, 12)]
        if cached[:4] == MAGIC_NUMBER and fields == [0, *stamp]:
            return head + cached[16:]
    except OSError:
        pass  # not compiled yet, or nowhere to keep that
    with open(path, "rb") as source:
        name = "<elsewhere>/" + os.path.relpath(path, _HERE)
        return head + marshal.dumps(compile(source.read(), name, "exec", dont_inherit=True))


def engine(tag: str) -> bytes:
    """The extension module for that interpreter.

    Raises:
        elsewhere.errors.Unsupported: there is none.
    """
    from elsewhere import _program

    arrival = _program.told.get("arrival") or {}
    path = f"{_HERE}/_elsewhere.{tag}.so"
    if "engine" in arrival and tag == _program.tag():
        path = arrival["engine"]
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Unsupported(
            f"there is no engine for {tag}", "use a Python that this elsewhere was built for"
        ) from error


def name(content: bytes) -> str:
    from hashlib import sha256

    return sha256(content).hexdigest()


def files(tag: str) -> dict[str, bytes]:
    """By role, as the porter asks for them."""
    return {"package": package(), "engine": engine(tag)}
