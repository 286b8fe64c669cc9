"""A controller in Python for tests of the worker: starts one, speaks spec/wire.md to it.

It shares no code with the worker but worker/values.py, and counts, checks and shows every packet.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import os
import select
import signal
import struct
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from worker import values  # noqa: E402

HELLO, DATA, EXEC, CLOSE, LAST, CREDIT, EXIT = range(7)
TERMINATE, PING, PONG, STATUS, RECONFIGURE, ENGINE = range(7, 13)
MORE, EXTENDED = 1, 2
HEADER = struct.Struct("<IBBHII")
PIECE = 131072


class Gone(Exception):
    """The stream has ended."""


@cache
def pack_worker() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("pack_worker", str(ROOT / "tools/pack_worker"))
    spec = importlib.util.spec_from_loader("pack_worker", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    previous, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = previous
    return module


@cache
def packed_code(python: str) -> tuple[bytes, bytes]:
    magic, code = pack_worker().packed_code(python)
    return magic, code


@cache
def packed_text() -> bytes:
    return bytes(pack_worker().packed_text())


@cache
def stage0() -> str:
    return str(pack_worker().stage0())


def record(nonce: bytes, magic: bytes, blob: bytes, early: bytes = b"") -> bytes:
    """What stage 0 reads, as spec/bootstrap.md draws it."""
    sizes = b"%010d%010d%010d" % (len(blob), sum(blob), len(early))
    return nonce + magic + sizes + blob + early


def channel_by_id(id: int) -> tuple[str, int]:
    return "C", id


def as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, (list, tuple)):
        return type(value)(map(as_text, value))
    if isinstance(value, dict):
        return {as_text(key): as_text(item) for key, item in value.items()}
    return value


@cache
def engine_of(python: str) -> dict[str, Any] | None:
    """What an engine's offer says (spec/bootstrap.md); None: there is none for that Python."""
    import elsewhere

    ask = "import sys, _imp; print(_imp.extension_suffixes()[0])"
    asked = subprocess.run([python, "-c", ask], capture_output=True, text=True)
    path = Path(elsewhere.__file__).parent / f"_link{asked.stdout.strip()}"
    if asked.returncode != 0 or not path.exists():
        return None
    status = path.stat()
    identity = [status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size]
    tag = path.name.split(".")[1]
    return {"path": str(path), "identity": identity, "tag": tag}


class Controller:
    """One worker. Single-threaded: whoever waits reads. `code=True` sends marshalled code."""

    native = False  # offer an engine

    def __init__(
        self,
        python: str,
        code: bool = False,
        hello: dict[str, Any] | None = None,
        command: list[str] | None = None,
        boot: tuple[bytes, bytes] | None = None,
        pipelined: bytes = b"",
        **options: Any,
    ) -> None:
        self.process = subprocess.Popen(
            command or [python, "-c", stage0()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            **options,
        )
        assert self.process.stdin and self.process.stdout
        self.sink, self.source = self.process.stdin.fileno(), self.process.stdout.fileno()
        for fd in (self.sink, self.source):
            with contextlib.suppress(ImportError, OSError):
                import fcntl

                fcntl.fcntl(fd, 1031, 1 << 20)  # F_SETPIPE_SZ
        os.set_blocking(self.sink, False)
        self.sent = self.received = 0
        self.next_id = 1
        self.buffer = bytearray()
        self.inbox: dict[int, list[tuple[int, Any]]] = {}
        self.pieces: dict[int, list[bytes]] = {}
        self.noise = b""
        # What a gateway does by default with str of Python 2 (values.md); off: bytes.
        self.py2str_as_py3str = True
        nonce = os.urandom(8).hex().encode()
        magic, blob = boot or (packed_code(python) if code else (b"text", packed_text()))
        greeting: dict[str, Any] = {"wire": 1, "id": "gw0"}
        if self.native:
            greeting["engine"] = engine_of(python)
        early = self.packet(HELLO, 0, values.dumps({**greeting, **(hello or {})})[0])
        self.sent += bool(pipelined)  # one packet more
        self.write(record(nonce, magic, blob, early + pipelined))
        self.asked = False
        how = self.find_marker(nonce[::-1])
        if how == b"?":
            self.asked = True
            self.write(record(nonce, b"text", packed_text(), early + pipelined))
            how = self.find_marker(nonce[::-1])
        assert how == b"+", how
        self.hello = self.take(0, HELLO)
        if greeting.get("engine"):
            answer = self.next(0)
            if answer[0] == ENGINE:
                assert answer[1] == ""
            else:  # it cannot follow the HELLO
                self.inbox[0].insert(0, answer)

    def find_marker(self, marker: bytes) -> bytes:
        while (at := self.buffer.find(marker)) < 0 or len(self.buffer) < at + 21:
            self.read()
        self.noise += bytes(self.buffer[:at])
        how, self.magic = (
            bytes(self.buffer[at + 16 : at + 17]),
            bytes(self.buffer[at + 17 : at + 21]),
        )
        del self.buffer[: at + 21]
        return how

    # --- packets -----------------------------------------------------------------------------

    def packet(self, kind: int, channel: int, payload: Any = b"", flags: int = 0) -> bytes:
        self.sent += 1
        return HEADER.pack(len(payload), kind, flags, 0, channel, self.sent) + bytes(payload)

    def send(self, kind: int, channel: int, payload: Any = b"", flags: int = 0) -> None:
        self.write(self.packet(kind, channel, payload, flags))

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.sink, view) :]
            except BlockingIOError:
                readable, _, _ = select.select([self.source], [self.sink], [])
                if readable:
                    self.read()
                    self.parse()

    def read(self, timeout: float = 60) -> None:
        if not select.select([self.source], [], [], timeout)[0]:
            raise TimeoutError(f"nothing came for {timeout} s")
        data = os.read(self.source, 1 << 20)
        if not data:
            raise Gone
        self.buffer += data

    def parse(self) -> None:
        at = 0
        while len(self.buffer) - at >= 16:
            size, kind, flags, address, channel, sequence = HEADER.unpack_from(self.buffer, at)
            if len(self.buffer) - at - 16 < size:
                break
            self.received += 1
            assert sequence == self.received and address == 0 and kind <= ENGINE, (kind, sequence)
            payload = bytes(memoryview(self.buffer)[at + 16 : at + 16 + size])
            at += 16 + size
            if kind == DATA:
                pieces = self.pieces.setdefault(channel, [])
                pieces.append(payload)
                if flags & MORE:
                    continue
                payload = b"".join(self.pieces.pop(channel))
            value: Any = payload
            if payload and kind not in (PING, PONG, CREDIT):
                extended = bool(flags & EXTENDED)
                if not self.speaks_python_2():
                    value = values.loads(payload, extended, channel=channel_by_id)
                else:
                    value = values.Decoder(payload, extended, channel=channel_by_id).value()
                    if self.py2str_as_py3str:
                        value = as_text(value)
            self.inbox.setdefault(channel, []).append((kind, value))
        del self.buffer[:at]

    def speaks_python_2(self) -> bool:
        return hasattr(self, "hello") and self.hello["python"][0] == 2

    def next(self, channel: int, timeout: float = 60) -> tuple[int, Any]:
        """The next packet of a channel: kind and value."""
        deadline = time.monotonic() + timeout
        while not self.inbox.get(channel):
            self.parse()
            if not self.inbox.get(channel):
                self.read(max(0, deadline - time.monotonic()))
        return self.inbox[channel].pop(0)

    def take(self, channel: int, kind: int, timeout: float = 60) -> Any:
        came, value = self.next(channel, timeout)
        assert came == kind, (came, value)
        return value

    # --- what a gateway offers ---------------------------------------------------------------

    def execute(self, source: str, function: str | None = None, **kwargs: Any) -> int:
        channel, self.next_id = self.next_id, self.next_id + 2
        self.send(EXEC, channel, values.dumps((source, None, function, kwargs))[0])
        return channel

    def put(self, channel: int, value: Any) -> None:
        payload, extended = values.dumps(value)
        flags = EXTENDED if extended else 0
        view = memoryview(payload)
        while len(view) > PIECE:
            self.send(DATA, channel, view[:PIECE], flags | MORE)
            view = view[PIECE:]
        self.send(DATA, channel, view, flags)

    def get(self, channel: int, timeout: float = 60) -> Any:
        return self.take(channel, DATA, timeout)

    def closed(self, channel: int, timeout: float = 60) -> str:
        """Waits for CLOSE: the text of the error or ''."""
        return str(self.take(channel, CLOSE, timeout) or "")

    def terminate(self, timeout: float = 10) -> int:
        """TERMINATE, up to EXIT: the code in it, which has to be that of the process."""
        self.send(TERMINATE, 0)
        code = int(self.take(0, EXIT, timeout))
        assert self.process.wait(timeout) == code
        return code

    def __enter__(self) -> Controller:
        return self

    def __exit__(self, *exc: object) -> None:
        assert self.process.stdin and self.process.stdout
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
