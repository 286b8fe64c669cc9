"""What stands for something outside of the process, and what to do about it."""

from __future__ import annotations

import sys

from elsewhere._keep.subclasses import with_subclasses
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

# module → type → (what it is, what to do)
REFUSED = {
    "posix": {
        "DirEntry": ("an os.DirEntry", "keep its path instead"),
    },
    "_io": {"BufferedRWPair": ("a pair of files", "use two files")},
    "_socket": {"socket": ("a socket", "close it before suspending")},
    "_ssl": {
        "_SSLContext": ("an SSL context", "make it when it is needed"),
        "_SSLSocket": ("an encrypted connection", "close it before suspending"),
    },
    "_sqlite3": {
        "Connection": ("an open sqlite3 database", "close it, and connect again when needed"),
        "Cursor": ("a cursor of a sqlite3 database", "fetch the rows, and close the database"),
    },
    "mmap": {"mmap": ("a memory-mapped file", "close it before suspending")},
    "select": {
        "epoll": ("an epoll object", "close it before suspending"),
        "poll": ("a poll object", "drop it before suspending"),
    },
    "_hashlib": {
        "HASH": ("a hash in the middle of its computation", "keep its input or its digest"),
        "HMAC": ("an HMAC in the middle of its computation", "keep its input or its digest"),
    },
    "_ctypes": {
        "_Pointer": ("a pointer into the memory of this process", "keep what it points to"),
        "CFuncPtr": ("a function of a shared library", "look it up when it is needed"),
    },
    "concurrent.interpreters._queues": {
        "Queue": ("a queue between interpreters", "make it when it is needed"),
    },
    "ctypes": {"CDLL": ("a loaded shared library", "load it when it is needed")},
}


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {}
    for module, types in REFUSED.items():
        for name in types if module in sys.modules else ():
            kind = getattr(sys.modules[module], name, None)
            if isinstance(kind, type):
                table.update(dict.fromkeys(with_subclasses(kind), refuse))
    if "subprocess" in sys.modules:
        table.update(dict.fromkeys(with_subclasses(sys.modules["subprocess"].Popen), reduce_child))
    if "concurrent.interpreters" in sys.modules:
        kind = sys.modules["concurrent.interpreters"].Interpreter
        table.update(dict.fromkeys(with_subclasses(kind), reduce_interpreter))
    if "threading" in sys.modules:
        threads = with_subclasses(sys.modules["threading"].Thread)
        table.update(dict.fromkeys(threads, reduce_thread))
    return table


def refuse(thing: Any) -> tuple[Any, ...]:
    for kind in type(thing).__mro__:
        for module, types in REFUSED.items():
            if module in sys.modules:
                for name, (what, hint) in types.items():
                    if getattr(sys.modules[module], name, None) is kind:
                        raise Refused(f"{what} ({_details(thing)}) cannot be kept", hint)
    raise Refused(f"a {type(thing).__name__} cannot be kept")


def _details(thing: Any) -> str:
    name = type(thing).__name__
    # Of the type: asking a loaded library for its fileno would find the function of libc.
    if not hasattr(type(thing), "fileno"):
        return name
    try:
        return f"{name}, descriptor {thing.fileno()}"
    except (OSError, ValueError):
        return f"{name}, closed"


def reduce_child(child: Any) -> tuple[Any, ...] | str:
    if child.returncode is None:
        command = child.args if isinstance(child.args, str) else " ".join(map(str, child.args))
        raise Refused(
            f"the child process {child.pid} has not ended: {command}",
            "wait() for it before suspending",
        )
    return object.__reduce_ex__(child, 4)


def reduce_interpreter(interpreter: Any) -> tuple[Any, ...] | str:
    if interpreter.id != sys.modules["concurrent.interpreters"].get_main().id:
        raise Refused(
            f"the interpreter {interpreter.id} cannot be kept",
            "close it, and drop what stands for it, before suspending",
        )
    return type(interpreter), (interpreter.id,)


def reduce_thread(thread: Any) -> tuple[Any, ...] | str:
    if thread.is_alive():
        frame = sys._current_frames().get(thread.ident)
        place = f" at {frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""
        raise Refused(
            f"the thread {thread.name!r} is running{place}",
            "let it end, and join it, before suspending",
        )
    return object.__reduce_ex__(thread, 4)
