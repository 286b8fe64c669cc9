"""Runs at the far end, alone: what is sent once and kept there, by its hash.

For programs that move, and for workers, which get the engine so (worker/native.py). A worker waits
for this to be executed, so nothing slow is imported: annotations are texts without __future__.
"""

import _thread
import os
import sys
import time

try:
    from _blake2 import blake2b
except ImportError:  # a Python that was built without
    from hashlib import blake2b

DAY = 24 * 3600  # seconds
LARGE = 1 << 20  # bytes
UNUSED = 90 * DAY  # after it a file is removed from the cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from typing import Any


class Failed(Exception):
    """Said to the origin as (class name, message, hint); the program goes on there."""


def cache_folder() -> "str | None":
    """The user's own folder for what was sent once, or None where there is no such place."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.expanduser("~/.cache")
    folder = base + "/elsewhere"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.lstat(folder)
    except OSError:
        return None
    ours = status.st_uid == os.getuid() and status.st_mode & 0o170077 == 0o040000
    return folder if ours and os.access(folder, os.W_OK | os.X_OK) else None


def name_of(content: "bytes | mmap.mmap") -> str:
    """BLAKE2b of 256 bits: quick where SHA-256 has no instructions, and without a load of OpenSSL,
    which takes as long."""
    text: str = blake2b(content, digest_size=32).hexdigest()
    return text


def mapped(descriptor: int) -> "mmap.mmap | bytes":
    """What is in an open file, not copied; b"" where it cannot be had."""
    import mmap

    try:
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # it is empty, or cannot be mapped
        return b""


class Check:
    """Of the cached file of this hash, on the very open file: goes on in a thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found = ""
        self.descriptor = open_unchecked(name)
        self.done, underway = _thread.allocate_lock(), _thread.allocate_lock()
        if self.descriptor is not None:
            content = mapped(self.descriptor)
            self.done.acquire()
            underway.acquire()
            try:
                _thread.start_new_thread(self.take, (content, underway))
            except RuntimeError:  # no more threads
                self.take(content, underway)
            underway.acquire()

    def take(self, content: "mmap.mmap | bytes", underway: "Any") -> None:
        # From here to the hash nothing lets go of the GIL: the other thread would keep it.
        underway.release()
        try:
            self.found = name_of(content)
        finally:
            self.done.release()

    def end(self) -> "int | None":
        """Where it is what it is called: the descriptor, for the caller to close."""
        with self.done:
            descriptor, self.descriptor = self.descriptor, None
        if descriptor is None or self.found == self.name:
            return descriptor
        os.close(descriptor)  # cut short by a full disk, or not ours: it is sent again
        return None


def begin(name: str) -> None:
    """Has open_cached(name) take less time when it comes."""
    _begun[name] = Check(name)


_begun: dict[str, Check] = {}


def open_unchecked(name: str) -> "int | None":
    folder = cache_folder()
    if folder is None:
        return None
    try:
        descriptor = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    if os.fstat(descriptor).st_uid == os.getuid():
        return descriptor
    os.close(descriptor)
    return None


def checked_files() -> dict[str, int]:
    """Those of this worker whose hashes took long, by those, as open files: the engine, which a
    program that moves here gets as well."""
    worker = sys.modules.get("_elsewhere_worker")
    found: dict[str, int] = worker.__dict__.setdefault("checked", {}) if worker else {}
    return found


def open_cached(name: str) -> "int | None":
    """A descriptor on the cached file of that hash: checked on this very open file."""
    if name in checked_files():
        return os.dup(checked_files()[name])
    check = _begun.pop(name, None) or Check(name)
    descriptor = check.end()
    if descriptor is not None:
        status = os.fstat(descriptor)
        if status.st_mtime < time.time() - DAY:
            note_use(descriptor)
        if status.st_size >= LARGE:
            checked_files()[name] = os.dup(descriptor)
    return descriptor


def note_use(descriptor: int) -> None:
    """So that forget_unused() leaves it."""
    try:  # noqa: SIM105  # contextlib takes longer to import
        os.utime(descriptor)
    except OSError:
        pass  # it is sent again when it has been removed


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def memory_file(name: str) -> int:
    """A file without a place on a disk."""
    try:
        return os.memfd_create(name)
    except (AttributeError, OSError):
        import tempfile

        descriptor, path = tempfile.mkstemp()
        os.unlink(path)
        return descriptor


def store(folder: str, name: str, content: bytes) -> None:
    temporary = f"{folder}/.{name}.{os.getpid()}.{_thread.get_ident()}"
    try:
        with open(temporary, "xb", opener=private) as file:
            file.write(content)
        os.rename(temporary, f"{folder}/{name}")
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
    forget_unused(folder)


def forget_unused(folder: str) -> None:
    """Of engines and modules every new version is another file."""
    now = time.time()
    for name in os.listdir(folder):
        try:
            if os.lstat(f"{folder}/{name}").st_mtime < now - UNUSED:
                os.unlink(f"{folder}/{name}")
        except OSError:
            continue  # another process was faster


def keep(name: str, content: bytes) -> int:
    """What was sent, as an open file: in the cache where that is possible, else in memory."""
    folder = cache_folder()
    if folder is not None:
        store(folder, name, content)
        cached = open_cached(name)
        if cached is not None:
            return cached
    descriptor = memory_file(name)
    write_all(descriptor, content)
    if name_of(mapped(descriptor)) != name:
        raise Failed(
            "InternalError", "what was sent has not the hash that it should have", "try again"
        )
    return descriptor


def receive_files(channel: "Any", wanted: dict[str, str]) -> dict[str, int]:
    """Descriptors by role ("package", "engine")."""
    files = {role: open_cached(name) for role, name in wanted.items()}
    missing = [role for role, descriptor in files.items() if descriptor is None]
    channel.send(("need", missing))
    found = {role: descriptor for role, descriptor in files.items() if descriptor is not None}
    for role in missing:
        pieces: list[bytes] = []
        while piece := channel.receive():
            pieces.append(piece)
        found[role] = keep(wanted[role], b"".join(pieces))
    return found


def identity(folder: str) -> "list[int] | None":
    """Tells one installed package from another: None where there is none."""
    try:
        status = os.stat(folder + "/_boot.py")
    except OSError:
        return None
    return [status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size]


def path_of(descriptor: int, there: int) -> str:
    """A path of an open file that is good in the program's process."""
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    return path if os.path.exists(path) else f"/proc/self/fd/{there}"


def state_folder() -> str:
    base = os.environ.get("XDG_STATE_HOME", "")
    return (base if base.startswith("/") else os.path.expanduser("~/.local/state")) + "/elsewhere"
