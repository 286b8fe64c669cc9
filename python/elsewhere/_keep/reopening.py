"""A file by its path: what is written down of an open one, and how it is opened again."""

from __future__ import annotations

import io
import os
import stat

from elsewhere import _state
from elsewhere.errors import InputOutputError, Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

PREFIX = 1 << 16
# Devices that are the same for everybody who opens them.
DEVICES = frozenset({"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})


def describe_open_file(raw: io.FileIO) -> dict[str, Any]:
    import fcntl

    descriptor = raw.fileno()
    path = _path_of(raw, descriptor)
    made = os.O_CREAT | os.O_EXCL | os.O_TRUNC
    description = {
        "path": path,
        "descriptor": descriptor,
        "flags": fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~made,
        "mode": raw.mode,
        "inheritable": os.get_inheritable(descriptor),
    }
    if path in DEVICES:
        return description
    size = os.fstat(descriptor).st_size
    description["position"] = os.lseek(descriptor, 0, os.SEEK_CUR)
    description["size"] = size
    if raw.readable():
        description["prefix"] = min(size, PREFIX)
        from binascii import crc32

        description["checksum"] = crc32(os.pread(descriptor, min(size, PREFIX), 0))
    return description


def _path_of(raw: io.FileIO, descriptor: int) -> str:
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) and path not in DEVICES:
        raise Refused(
            f"file descriptor {descriptor} ({path}) is a {_kind(status.st_mode)}",
            "close it before suspending; only regular files can be opened again",
        )
    try:
        named = os.stat(path)
    except OSError:
        named = None
    if named is None or not os.path.samestat(named, status):
        raise Refused(
            f"the file {raw.name!r} is open as descriptor {descriptor} but has no path any more "
            f"({path})",
            "keep the file until the program has closed it "
            "(tempfile: NamedTemporaryFile(delete=False))",
        )
    return path


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "pipe"
    if stat.S_ISSOCK(mode):
        return "socket"
    if stat.S_ISCHR(mode):
        return "terminal or other device"
    return "directory" if stat.S_ISDIR(mode) else "special file"


def reopened(description: dict[str, Any]) -> io.FileIO:
    path = description["path"]
    try:
        descriptor = os.open(path, description["flags"] | os.O_CLOEXEC)
    except OSError as error:
        raise InputOutputError(
            f"the program had {path} open, and it cannot be opened: {error.strerror}",
            "put the file back where it was",
        ) from error
    try:
        if "position" in description:
            _check(descriptor, description)
            os.lseek(descriptor, description["position"], os.SEEK_SET)
        descriptor = moved_to(descriptor, description["descriptor"])
        os.set_inheritable(descriptor, description["inheritable"])
    except BaseException:
        os.close(descriptor)
        raise
    raw = io.FileIO(descriptor, description["mode"])
    if "position" in description:
        # Opening for appending went to the end.
        os.lseek(descriptor, description["position"], os.SEEK_SET)
    return raw


def _check(descriptor: int, description: dict[str, Any]) -> None:
    path, mode = description["path"], description["mode"]
    size = os.fstat(descriptor).st_size
    needed = min(description["position"], description["size"])
    if size < needed:
        raise InputOutputError(
            f"{path} has {size} bytes, but the program was at byte {needed} of it",
            "put the file back as it was",
        )
    if "checksum" in description:
        from binascii import crc32

        prefix = os.pread(descriptor, description["prefix"], 0)
        if crc32(prefix) != description["checksum"] and not _may_write(mode):
            raise InputOutputError(
                f"{path} is not the file that the program was reading: its beginning has changed",
                "put the file back as it was",
            )
    if _state.purpose == "checkpoint" and mode[0] in "wxa" and size > description["size"]:
        os.ftruncate(descriptor, description["size"])


def _may_write(mode: str) -> bool:
    return mode[0] != "r" or "+" in mode


def moved_to(descriptor: int, wanted: int) -> int:
    """The same file under the number it had, where that is free: programs remember numbers."""
    import fcntl

    if descriptor == wanted:
        return descriptor
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, wanted)
    if moved != wanted:
        os.close(moved)
        return descriptor
    os.close(descriptor)
    return moved
