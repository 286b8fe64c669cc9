"""What a worker prints: two streams, that go where the program wants (spec/output.md).

Without a target, and without a terminal here, nothing is told apart: all of it goes to our stderr,
as it comes, by the core.
"""

from __future__ import annotations

import os
import select
import struct
import threading
import time
import traceback

from elsewhere._gateway.far import prepare
from elsewhere.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codecs import IncrementalDecoder
    from collections.abc import Callable
    from typing import Any

    from elsewhere._gateway.gateway import Gateway

PIECE = 1 << 16
AT_THE_END = 0.5  # seconds for what others, that a worker has left behind, may still say
HEAD = struct.Struct("<cI")
NAMES = {b"o": "stdout", b"e": "stderr"}
# As subprocess has them.
STDOUT, DEVNULL = -2, -3


def check_target(target: object, name: str) -> None:
    """Raises UsageError if that is no place for output."""
    is_number = isinstance(target, int) and not isinstance(target, bool)
    allowed = target == DEVNULL or (target == STDOUT and name == "stderr")
    if is_number and (allowed or isinstance(target, int) and target >= 0):
        return
    if target is None or callable(target) or hasattr(target, "write"):
        return
    raise UsageError(
        f"{name}={target!r}: what is printed there cannot go to that",
        "give a function of one argument, a file, a descriptor, or subprocess.DEVNULL",
    )


def is_shown_here() -> bool:
    """Whether a terminal of ours shows what nobody has asked for."""
    return _is_terminal(1) or _is_terminal(2)


class Output:
    """The output of one worker, from now on: a thread that passes it on.

    Raises:
        OSError: the connection was lost.
    """

    def __init__(self, gateway: Gateway, wait: bool) -> None:
        self._gateway = gateway
        self._mark = os.urandom(8).hex().encode()
        self._data = b""
        self._ways: dict[str, _Way] = {}
        self._ended = threading.Event()
        self._until: float | None = None
        self._wake_read, self._wake = os.pipe()
        # Before anything with marks comes, which is not for the core.
        self._source = gateway._take_errors()
        self._thread = threading.Thread(
            target=self._run, name=f"output of {gateway.id}", daemon=True
        )
        self._thread.start()
        mark = self._mark.decode()
        try:
            channel = prepare(gateway, "far_output", "tell_apart", mark=mark)
            if wait:
                channel.waitclose(30)
        except BaseException:
            self.stop()
            raise

    def finish(self, timeout: float) -> None:
        """Return when the worker has ended and all of it has gone its way, or it is late."""
        if self._thread is not threading.current_thread():
            self._ended.wait(timeout)

    def stop(self) -> None:
        """The gateway is closed: what has come goes its way, nothing is waited for."""
        self._until = time.monotonic() + AT_THE_END
        try:  # noqa: SIM105  # contextlib imports much
            os.write(self._wake, b"x")
        except OSError:
            pass  # the thread has ended
        self.finish(2 * AT_THE_END)

    # --- in the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        poll = select.poll()
        if self._source >= 0:
            poll.register(self._source, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        try:
            while self._source >= 0:
                left = None if self._until is None else self._until - time.monotonic()
                if left is not None and (left <= 0 or self._ended.is_set()):
                    break
                ready = poll.poll(None if left is None else left * 1000 + 1)
                if any(number == self._wake_read for number, _ in ready):
                    os.read(self._wake_read, 1)
                if any(number == self._source for number, _ in ready) and not self._read():
                    break
            self._pass("stderr", self._data)
            self._end()
        finally:
            self._ended.set()
            for number in (self._source, self._wake_read, self._wake):
                if number >= 0:
                    os.close(number)

    def _read(self) -> bool:
        """False when nothing more will come."""
        try:
            data = os.read(self._source, PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._data += data
        self._pass_all()
        return bool(data)

    def _pass_all(self) -> None:
        """Passes on what is complete."""
        data, mark, at = self._data, self._mark, 0
        body = len(mark) + HEAD.size
        pieces: list[tuple[str, list[bytes]]] = []

        def add(name: str, piece: bytes) -> None:
            if not pieces or pieces[-1][0] != name:
                pieces.append((name, []))
            pieces[-1][1].append(piece)

        while True:
            found = data.find(mark, at)
            if found != at:  # from those who stand between: ssh, or a shell before the worker
                # What may be the beginning of a mark waits.
                until = found if found >= 0 else len(data) - _overlap(data[at:], mark)
                add("stderr", data[at:until])
                at = until
            if found < 0 or len(data) < at + body:
                break
            kind, size = HEAD.unpack_from(data, at + len(mark))
            if len(data) < at + body + size:
                break
            add(NAMES.get(kind, ""), data[at + body : at + body + size])
            at += body + size
        self._data = data[at:]
        for name, parts in pieces:
            if name:
                self._pass(name, b"".join(parts))
            else:
                self._end()

    def _end(self) -> None:
        for way in self._ways.values():
            way.end()
        self._ended.set()

    def _pass(self, name: str, data: bytes) -> None:
        if not data:
            return
        target = self._gateway._target(name)
        if target == STDOUT and type(target) is int:
            name, target = "stdout", self._gateway._target("stdout")
        way = self._ways.get(name)
        if way is None or way.target is not target:
            way = self._ways[name] = _Way(self._gateway.id, name, target)
        try:
            way.put(data)
        except Exception:
            # A callback that raises, or a closed file: what comes is shown as if there were none.
            traceback.print_exc()
            self._gateway._drop_target(name)


class _Way:
    """Where one stream goes."""

    def __init__(self, gateway: str, name: str, target: Any) -> None:
        self.target = target
        self._source = (gateway, name)
        self._decoder: IncrementalDecoder | None = None
        self._write: Callable[[Any], object]
        if target is None:
            number = 1 if name == "stdout" and _is_terminal(1) else 2
            self._write = lambda data: _show(number, self._source, data)
        elif isinstance(target, int):
            self._write = lambda data: _write_all(target, data) if target >= 0 else None
        else:
            self._write = target if callable(target) else target.write
            if callable(target) or _is_text(target):
                import codecs

                self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def put(self, data: bytes) -> None:
        if self._decoder is None:
            self._write(data)
        elif text := self._decoder.decode(data):
            self._write(text)
        flush = getattr(self.target, "flush", None)
        if flush is not None:
            flush()  # it is to be seen as it comes

    def end(self) -> None:
        """An unfinished character is told, too."""
        try:
            if self._decoder is not None and (text := self._decoder.decode(b"", True)):
                self._write(text)
                self._decoder.reset()
        except Exception:
            traceback.print_exc()


def _is_text(file: Any) -> bool:
    if isinstance(getattr(file, "mode", None), str):
        return "b" not in file.mode
    import io

    if isinstance(file, (io.RawIOBase, io.BufferedIOBase)):
        return False
    return isinstance(file, io.TextIOBase) or hasattr(file, "encoding")


def _overlap(data: bytes, mark: bytes) -> int:
    """How many bytes at the end of `data` may begin a mark."""
    for size in range(min(len(mark) - 1, len(data)), 0, -1):
        if mark.startswith(data[-size:]):
            return size
    return 0


# --- our own stdout and stderr -------------------------------------------------------------------

_showing = threading.Lock()
_unfinished: list[tuple[str, str]] = []  # whose line the terminal is in


def _show(number: int, source: tuple[str, str], data: bytes) -> None:
    """On a terminal each line says whose it is."""
    if not _is_terminal(number):
        _write_all(number, data)
        return
    prefix = f"[{source[0]}] ".encode()
    with _showing:
        before = prefix
        if _unfinished:
            before = b"" if _unfinished.pop() == source else b"\n" + prefix
        body = data[:-1] if data.endswith(b"\n") else data
        if body is data:
            _unfinished.append(source)
        text = before + body.replace(b"\n", b"\n" + prefix) + data[len(body) :]
        _write_all(number, text)


def _is_terminal(number: int) -> bool:
    try:
        return os.isatty(number)
    except OSError:
        return False


def _write_all(number: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(number, view) :]
        except BlockingIOError:
            select.select([], [number], [])
        except OSError:
            return  # closed: there is nobody to tell
