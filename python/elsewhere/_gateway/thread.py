"""`thread`: a worker in a thread of this process, that shares its modules and its memory."""

from __future__ import annotations

import os
import threading
from types import ModuleType

from elsewhere import _elsewhere
from elsewhere.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from elsewhere._gateway.spec import XSpec

_OF_A_PROCESS = "python", "before", "chdir", "nice", "dont_write_bytecode", "via"
_loading = threading.Lock()
_loaded: list[ModuleType] = []


def start_here(spec: XSpec) -> tuple[int, int]:
    """Starts the worker: (fd to read what it says, fd to write to it).

    Raises:
        UsageError: the spec asks for what only a process has.
    """
    asked = [key for key in _OF_A_PROCESS if getattr(spec, key) is not None]
    asked += [f"env:{key}" for key in spec.env]
    if asked:
        raise UsageError(
            f"`{asked[0]}` would change this whole process, in the spec `{spec}`",
            "leave it away, or begin the spec with popen",
        )
    their_source, to_them = os.pipe()
    from_them, their_sink = os.pipe()
    os.set_blocking(their_sink, False)
    # A daemon: code that never ends does not hold up the end of the program.
    threading.Thread(
        target=_serve, args=(_worker(), their_source, their_sink), name=f"{spec.id}", daemon=True
    ).start()
    return from_them, to_them


def _worker() -> Any:
    """The worker's modules as one, as they are sent elsewhere."""
    with _loading:
        if not _loaded:
            import zlib

            module = ModuleType("elsewhere._worker")
            text = zlib.decompress(_elsewhere.worker_source())
            exec(compile(text, "<elsewhere worker>", "exec"), module.__dict__)
            _loaded.append(module)
        return _loaded[0]


def _serve(worker: Any, source: int, sink: int) -> None:
    """worker/serve.py for a thread: it ends, the process does not."""
    link = worker.Link(source, sink)
    execution = worker.Execution(link)
    try:
        hello = worker.describe_here(b"")
        link.send(worker.HELLO, 0, worker.dumps(hello)[0])
        execution.run_in_main(lambda: None)
    except OSError:
        pass  # the other end is closed
    finally:
        link.say_exit(0)
        link.broken = True
        os.close(sink)
        os.close(source)
