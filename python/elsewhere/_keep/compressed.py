"""Compressed files that are being read: gzip, bz2, lzma, zstd, and members of zip archives.

The state of a decompressor is its own; but what it has read can be read again. So its stream gets
a stand-in, which the first read that needs it replaces by a decompressor that has come as far.
"""

from __future__ import annotations

import sys

from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

CHUNK = 1 << 16
READERS = (
    ("_compression", "DecompressReader"),  # up to 3.13
    ("compression._common._streams", "DecompressReader"),
    ("gzip", "_GzipReader"),
)
# module → what makes a compressor or decompressor
MAKERS = {
    "zlib": ("compressobj", "decompressobj", "_ZlibDecompressor"),
    "_bz2": ("BZ2Compressor", "BZ2Decompressor"),
    "_lzma": ("LZMACompressor", "LZMADecompressor"),
    "_zstd": ("ZstdCompressor", "ZstdDecompressor"),
}


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {}
    for module, names in MAKERS.items():
        for maker in (getattr(sys.modules.get(module), name, None) for name in names):
            if maker is not None:
                table[maker if isinstance(maker, type) else type(maker())] = refuse
    for module, name in READERS:
        if (kind := getattr(sys.modules.get(module), name, None)) is not None:
            table[kind] = reduce_reader
    if (kind := getattr(sys.modules.get("gzip"), "GzipFile", None)) is not None:
        table[kind] = reduce_gzip
    if (kind := getattr(sys.modules.get("zipfile"), "ZipExtFile", None)) is not None:
        table[kind] = reduce_member
    return table


def refuse(stream: Any) -> tuple[Any, ...]:
    raise Refused(
        f"a {type(stream).__name__} in the middle of its data cannot be kept",
        "finish it before suspending; a file that gzip, bz2 or lzma reads can be left",
    )


def reduce_reader(reader: Any) -> tuple[Any, ...]:
    state = dict(vars(reader))
    if not isinstance(state.get("_decompressor"), (Unread, type(None))) and not reader.closed:
        if not reader.seekable():
            raise Refused(
                "a compressed stream that is read from what cannot seek",
                "read it to its end before suspending",
            )
        state["_decompressor"] = UnreadStream(reader, reader.tell())
    return make, (type(reader),), state, None, None, fill


def reduce_gzip(file: Any) -> tuple[Any, ...]:
    state = dict(vars(file))
    if "compress" in state:
        if not file.closed:
            raise Refused(
                f"{file.name!r} is a gzip file that is being written", "close it before suspending"
            )
        state["compress"] = None  # it had ended with the file
    return make, (type(file),), state, None, None, fill


def reduce_member(member: Any) -> tuple[Any, ...]:
    import zipfile

    state = dict(vars(member))
    if member.closed:
        state["_decompressor"] = None
    elif not isinstance(state.get("_decompressor"), (Unread, type(None))):
        is_plain = member._compress_type == zipfile.ZIP_DEFLATED and not state.get("_decrypter")
        if not is_plain or not member.seekable():
            raise Refused(
                f"{member.name!r} of a zip archive, which is being read",
                "read it to its end before suspending",
            )
        position = member._orig_file_size - member._left  # of the decompressor, ahead of tell()
        state["_decompressor"] = UnreadMember(member, position)
    return make, (type(member),), state, None, None, fill


def make(kind: Any) -> Any:
    return kind.__new__(kind)


def fill(stream: Any, state: dict[str, Any]) -> None:
    vars(stream).update(state)


class Unread:
    """In the place of a decompressor whose stream has not been read since a resume."""

    def __init__(self, stream: Any, position: int) -> None:
        self.stream = stream
        self.position = position

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("stream", "position"):  # while it is being made
            raise AttributeError(name)
        if self.stream._decompressor is self:
            self.read_again()
        return getattr(self.stream._decompressor, name)

    def read_again(self) -> None:
        raise NotImplementedError

    def ended(self, at: int) -> EOFError:
        return EOFError(
            f"the compressed file ends after {at} bytes; "
            f"the program had read {self.position} before it was suspended"
        )


class UnreadStream(Unread):
    def read_again(self) -> None:
        stream = self.stream
        stream._rewind()
        while stream._pos < self.position:
            if not stream.read(min(CHUNK, self.position - stream._pos)):
                raise self.ended(stream._pos)


class UnreadMember(Unread):
    def read_again(self) -> None:
        import zlib

        member = self.stream
        decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
        member._fileobj.seek(member._orig_compress_start)
        left, done = member._orig_compress_size, 0
        while done < self.position:
            data = decompressor.unconsumed_tail
            if not data:
                data = member._fileobj.read(min(left, CHUNK))
                left -= len(data)
            made = len(decompressor.decompress(data, self.position - done))
            if not made and not data:
                raise self.ended(done)
            done += made
        member._compress_left = left
        member._decompressor = decompressor
