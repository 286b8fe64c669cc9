"""Archives of modules, as they are sent and kept by their hash, and never unpacked."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def archive_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip of stored files, all of 1980: the same files have the same hash.

    A name with a slash at its end is a folder. zipfile takes 15 ms to import.
    """
    from binascii import crc32
    from struct import pack

    content, index, count = bytearray(), bytearray(), 0
    for name, data in files:
        path, size = name.encode("utf-8"), len(data)
        flags = 0 if name.isascii() else 0x800
        about = pack("<HHHHHIIIHH", 20, flags, 0, 0, 0x21, crc32(data), size, size, len(path), 0)
        index += b"PK\1\2" + pack("<H", 0x314) + about
        index += pack("<HHHII", 0, 0, 0, 0o100600 << 16, len(content)) + path
        content += b"PK\3\4" + about + path + data
        count += 1
    at = len(content)
    end = b"PK\5\6" + pack("<HHHHIIH", 0, 0, count, count, len(index), at, 0)
    return bytes(content + index + end)


def cached_code(path: str) -> bytes | None:
    """What a source file has been compiled to, if that is kept and not older."""
    from _frozen_importlib_external import MAGIC_NUMBER, cache_from_source

    try:
        status = os.stat(path)
        with open(cache_from_source(path), "rb") as file:
            cached = file.read()
    except (OSError, NotImplementedError):
        return None  # not compiled yet, or nowhere to keep that
    stamp = (int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF)
    fields = [int.from_bytes(cached[at : at + 4], "little") for at in (4, 8, 12)]
    return cached[16:] if cached[:4] == MAGIC_NUMBER and fields == [0, *stamp] else None
