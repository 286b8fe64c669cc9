"""Stands in for `ssh`: passes all on to the real one, and kills at a message that it is told.

`install(folder, ...)` makes `folder/ssh`; with the folder first in PATH, a program's connections
run through it. It follows the boot and the packets of both directions (spec/bootstrap.md,
spec/wire.md, spec/handover.md) without changing a byte, notes what it saw in `folder/seen`, and
when the message comes kills -9 the connection, the worker there, or the program's process there.
"""

from __future__ import annotations

import json
import marshal
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

HELLO, DATA, EXEC = range(3)
MORE, EXTENDED = 1, 2
HEADER = struct.Struct("<IBBHII")
SETTLE = 0.3  # seconds that a message has to arrive before the connection it went over is cut
PATIENCE = 10


class Seen(NamedTuple):
    """What `folder/seen` tells."""

    messages: list[str]
    processes: list[int]  # of the far side: the worker, the program's
    place: str  # where the far side keeps the state after a lost link
    killed: bool


def install(folder: Path, real: str, at: str, when: str, victim: str, nth: int = 1) -> None:
    """`at` the `nth` message of that name, `when`: "before" or "after" it is passed on, kill
    `victim`: "link", "worker" or "program"."""
    folder.mkdir()
    plan = {"real": real, "at": at, "when": when, "victim": victim, "nth": nth}
    (folder / "plan").write_text(json.dumps(plan))
    script = folder / "ssh"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -I {__file__} {folder} "$@"\n')
    script.chmod(0o700)


def seen(folder: Path) -> Seen:
    lines = (folder / "seen").read_text().splitlines() if (folder / "seen").exists() else []
    entries = [json.loads(line) for line in lines]
    pids = {entry["pid"]: None for entry in entries if "pid" in entry}
    places = [entry["place"] for entry in entries if "place" in entry]
    return Seen(
        [entry["message"] for entry in entries if "message" in entry],
        list(pids),
        places[-1] if places else "",
        any("killed" in entry for entry in entries),
    )


def children_of(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, of = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(of) == parent and state != "Z":
            found.append(int(entry.name))
    return found


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


class Proxy:
    """One connection."""

    def __init__(self, folder: Path, words: list[str]) -> None:
        self.plan = json.loads((folder / "plan").read_text())
        self.record = (folder / "seen").open("a")
        self.real = subprocess.Popen(
            [self.plan["real"], *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.nonce = b""
        self.lock = threading.Lock()  # held while it kills: meanwhile nothing new passes
        self.left = self.plan["nth"]
        self.worker = self.program = 0
        self.files_to_come: int | None = None  # before NEED nobody knows

    def run(self) -> int:
        assert self.real.stdin is not None and self.real.stdout is not None
        up = threading.Thread(target=self.pass_on, args=(0, self.real.stdin.fileno(), Up(self)))
        up.daemon = True
        up.start()
        self.pass_on(self.real.stdout.fileno(), 1, Down(self))
        return self.real.wait()

    def pass_on(self, source: int, sink: int, parts: Parts) -> None:
        try:
            while data := os.read(source, 1 << 16):
                for piece, message in parts.feed(data):
                    hits = message is not None and self.hits(message)
                    if not hits:
                        with self.lock:
                            pass
                        write_all(sink, piece)
                        continue
                    with self.lock:
                        if self.plan["when"] == "before":
                            self.kill()
                        write_all(sink, piece)
                        if self.plan["when"] == "after":
                            time.sleep(SETTLE)
                            self.kill()
        except OSError:
            pass
        os.close(sink)

    def hits(self, message: str) -> bool:
        self.note(message=message)
        if message != self.plan["at"]:
            return False
        self.left -= 1
        return self.left == 0

    def note(self, **what: Any) -> None:
        self.record.write(json.dumps(what) + "\n")
        self.record.flush()

    def kill(self) -> None:
        victim = self.plan["victim"]
        if victim == "link":
            self.note(killed=self.real.pid)
            self.real.kill()
            os._exit(255)
        pid = self.worker if victim == "worker" else self.find_program()
        os.kill(pid, signal.SIGKILL)
        self.note(killed=pid)
        end = time.monotonic() + PATIENCE
        while not has_ended(pid) and time.monotonic() < end:
            time.sleep(0.01)

    def find_program(self) -> int:
        end = time.monotonic() + PATIENCE
        while not self.program and time.monotonic() < end:
            self.program = next(iter(children_of(self.worker)), 0)
            time.sleep(0.01)
        self.note(pid=self.program)
        return self.program


class Parts:
    """Cuts one direction into pieces to pass on whole, each with its message, if it ends one."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.data = b""
        self.parts: dict[int, bytes] = {}

    def feed(self, data: bytes) -> list[tuple[bytes, str | None]]:
        self.data += data
        pieces = []
        while (found := self.next()) is not None:
            size, message = found
            pieces.append((self.data[:size], message))
            self.data = self.data[size:]
        return pieces

    def next(self) -> tuple[int, str | None] | None:
        raise NotImplementedError

    def packet(self) -> tuple[int, str | None] | None:
        if len(self.data) < HEADER.size:
            return None
        size, kind, flags, _, channel, _ = HEADER.unpack_from(self.data)
        end = HEADER.size + size
        if len(self.data) < end:
            return None
        if kind != DATA:
            payload = self.data[HEADER.size : end]
            return end, self.other(kind, payload)
        payload = self.parts.pop(channel, b"") + self.data[HEADER.size : end]
        if flags & MORE:
            self.parts[channel] = payload
            return end, None
        return end, None if flags & EXTENDED else self.value(marshal.loads(payload))

    def other(self, kind: int, payload: bytes) -> str | None:
        return None

    def value(self, value: Any) -> str | None:
        raise NotImplementedError


class Up(Parts):
    """From the origin: records of the boot, then packets."""

    early = 0

    def next(self) -> tuple[int, str | None] | None:
        if not self.proxy.nonce or self.data.startswith(self.proxy.nonce):
            if len(self.data) < 50:
                return None
            size, more = int(self.data[20:30]), int(self.data[40:50])
            if len(self.data) < 50 + size:
                return None
            self.proxy.nonce = self.data[:16]
            self.early = more
            return 50 + size, None
        return self.packet()

    def other(self, kind: int, payload: bytes) -> str | None:
        return "exec" if kind == EXEC else None

    def value(self, value: Any) -> str | None:
        if isinstance(value, dict):
            return "order"
        if isinstance(value, bytes):
            if self.proxy.files_to_come:
                self.proxy.files_to_come -= not value
                return "files" if self.proxy.files_to_come else "all-files"
            return "state" if value else "whole-state"
        return str(value[0])


class Down(Parts):
    """From the far side: what a shell prints, the marker, then packets."""

    booted = False

    def next(self) -> tuple[int, str | None] | None:
        if self.booted:
            return self.packet()
        at = self.data.find(self.proxy.nonce[::-1]) if self.proxy.nonce else -1
        if at < 0 or len(self.data) < at + 21:
            return None
        self.booted = self.data[at + 16 : at + 17] == b"+"
        return at + 21, None

    def other(self, kind: int, payload: bytes) -> str | None:
        if kind != HELLO:
            return None
        self.proxy.worker = marshal.loads(payload)["pid"]
        self.proxy.note(pid=self.proxy.worker)
        return "hello"

    def value(self, value: Any) -> str | None:
        if value[0] == "need":
            self.proxy.files_to_come = len(value[1])
        if value[0] == "ready":
            self.proxy.program = value[1]
            self.proxy.note(pid=value[1], place=value[2])
        return str(value[0])


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    sys.exit(Proxy(Path(sys.argv[1]), sys.argv[2:]).run())
