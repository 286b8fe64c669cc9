"""Records over a connection that may be cut and come back (spec/socket.md).

A Session lasts longer than a connection: it keeps what the other end has not confirmed, and says it
again on the next one. One thread, one `poll`, no I/O elsewhere.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import struct
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PREAMBLE = b"elsewhere socket 1\n"
# Of the caller: the secret, b"N" (new) or b"R" (again), the session's name, records it has got.
GREETING = struct.Struct("!24sc16sQ")
# The answer: b"+", the session's name, records got; or b"-", then text of that size.
ANSWER = struct.Struct("!c16sQ")

HEAD = struct.Struct("!cI")
DATA, ERRORS, END, COMMAND, EXIT = b"D", b"E", b"Z", b"C", b"X"  # counted, said again when lost
ACK, PING, PONG, BYE = b"A", b"P", b"Q", b"B"  # of the connection
COUNTED = frozenset((DATA, ERRORS, END, COMMAND, EXIT))

LONGEST = 1 << 20  # of a record
PIECE = 1 << 18  # read at once
WINDOW = 16 << 20  # bytes that may be on their way
CONFIRM = 1 << 20  # so many bytes are taken before that is said
HEARTBEAT = 5.0  # seconds without a word before the other end is asked
SILENCE = 15.0  # seconds without a word after which the connection is lost
PATIENCE = 30.0  # seconds for a lost connection to come back
BRIEF = 5.0  # the same where there is no network that could have cut it


class Cut(Exception):
    """The connection is lost; the session is not."""


class Silent(Cut):
    """Nobody has closed it, but nothing is heard."""


class Broken(Exception):
    """The other end does not keep to the protocol."""


class Connection:
    """A socket, with or without TLS, that does not block."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.setblocking(False)
        self.wants = 0  # what TLS waits for, besides what we do

    def fileno(self) -> int:
        return self.sock.fileno()

    def pending(self) -> bool:
        """Whether bytes are here that poll() does not see."""
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def read(self) -> bytes | None:
        """None: nothing now. Raises Cut."""
        try:
            data = self.sock.recv(PIECE)
        except (ssl.SSLWantReadError, BlockingIOError, InterruptedError):
            return None
        except ssl.SSLWantWriteError:
            self.wants = select.POLLOUT
            return None
        except OSError as error:
            raise Cut(error.strerror or str(error)) from None
        if not data:
            raise Cut("it was closed")
        return data

    def write(self, data: memoryview) -> int:
        try:
            return self.sock.send(data)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise Cut(error.strerror or str(error)) from None

    def close(self) -> None:
        self.sock.close()


class Session:
    """One end of a stream of records with whatever carries it now.

    Args:
        sources: fds to read, with the kind of record that their bytes become.
        on_record: called with the kind and the bytes of each record of the other end, in order.
        on_end: called with the kind when a source ends.
    """

    def __init__(
        self,
        sources: dict[int, bytes],
        on_record: Callable[[bytes, bytes], None],
        on_end: Callable[[bytes], None],
    ) -> None:
        self.sources = sources
        self.on_record = on_record
        self.on_end = on_end
        self.unconfirmed: deque[tuple[int, bytes]] = deque()  # number, record
        self.on_way = 0  # their bytes
        self.numbered = 0
        self.received = 0
        self.confirmed = 0  # of those received
        self.taken = 0  # bytes since then
        self.sinks: dict[int, deque[memoryview]] = {}
        self.closing: set[int] = set()
        self.done = False
        self.outgoing: deque[memoryview] = deque()
        self.incoming = bytearray()

    def say(self, kind: bytes, data: bytes = b"") -> None:
        """A record that arrives once, whatever happens to connections."""
        self.numbered += 1
        record = HEAD.pack(kind, len(data)) + data
        self.unconfirmed.append((self.numbered, record))
        self.on_way += len(record)
        self.outgoing.append(memoryview(record))

    def whisper(self, kind: bytes, data: bytes = b"") -> None:
        """One that may get lost with the connection."""
        self.outgoing.append(memoryview(HEAD.pack(kind, len(data)) + data))

    def put(self, sink: int, data: bytes) -> None:
        """Bytes for an fd, when it can take them."""
        waiting = self.sinks.setdefault(sink, deque())
        if not waiting and data:
            data = data[write_now(sink, memoryview(data)) :]
        if data:
            waiting.append(memoryview(data))

    def close_sink(self, sink: int) -> None:
        """Once all of it is written."""
        self.closing.add(sink)
        self.close_if_empty(sink)

    def close_if_empty(self, sink: int) -> None:
        if sink in self.closing and not self.sinks.get(sink):
            self.closing.discard(sink)
            self.sinks.pop(sink, None)
            os.close(sink)

    def resume(self, got: int) -> None:
        """A new connection carries on; the other end has got so many records."""
        if got > self.numbered or (self.unconfirmed and got < self.unconfirmed[0][0] - 1):
            raise Broken("the other end has lost what cannot be said again")
        self.confirm(got)
        self.incoming.clear()
        self.outgoing.clear()
        self.outgoing.extend(memoryview(record) for _, record in self.unconfirmed)

    def confirm(self, number: int) -> None:
        while self.unconfirmed and self.unconfirmed[0][0] <= number:
            self.on_way -= len(self.unconfirmed.popleft()[1])

    # --- one connection ------------------------------------------------------------------------

    def carry(self, connection: Connection, stop: int = -1) -> None:
        """Until it is done and all is out, or `stop` becomes readable. Raises Cut, Broken."""
        heard = asked = time.monotonic()
        self.send(connection)
        while not self.done or self.outgoing or any(self.sinks.values()):
            ready = self.wait(connection, stop, asked)
            now = time.monotonic()
            if stop in ready:
                return
            if connection.fileno() in ready or connection.pending():
                connection.wants = 0
                data = connection.read()
                while data is not None:
                    heard = asked = now
                    self.take(data)
                    data = connection.read() if connection.pending() else None
            self.move(ready)
            if now - heard > SILENCE:
                raise Silent("nothing was heard for a while")
            if now - asked >= HEARTBEAT:
                asked = now
                self.whisper(PING)
            self.send(connection)

    def wait(self, connection: Connection, stop: int, asked: float) -> set[int]:
        poll = select.poll()
        wanted = select.POLLIN | connection.wants | (select.POLLOUT if self.outgoing else 0)
        poll.register(connection.fileno(), wanted)
        if stop >= 0:
            poll.register(stop, select.POLLIN)
        if self.on_way < WINDOW:
            for source in self.sources:
                poll.register(source, select.POLLIN)
        for sink, waiting in self.sinks.items():
            if waiting:
                poll.register(sink, select.POLLOUT)
        left = max(0.0, asked + HEARTBEAT - time.monotonic())
        return {fd for fd, _ in poll.poll(0 if connection.pending() else left * 1000 + 1)}

    def move(self, ready: set[int]) -> None:
        """Between the fds here and the records."""
        for source, kind in list(self.sources.items()):
            if source not in ready or self.on_way >= WINDOW:
                continue
            try:
                data = os.read(source, PIECE)
            except (BlockingIOError, InterruptedError):
                continue
            except OSError:
                data = b""
            if data:
                self.say(kind, data)
            else:
                del self.sources[source]
                self.on_end(kind)
        for sink, waiting in list(self.sinks.items()):
            while waiting and sink in ready:
                count = write_now(sink, waiting[0])
                if count < len(waiting[0]):
                    waiting[0] = waiting[0][count:]
                    break
                waiting.popleft()
            self.close_if_empty(sink)
        if (
            self.received > self.confirmed
            and self.taken >= CONFIRM
            and not any(self.sinks.values())
        ):
            self.say_received()

    def say_received(self) -> None:
        self.confirmed, self.taken = self.received, 0
        self.whisper(ACK, struct.pack("!Q", self.received))

    def send(self, connection: Connection) -> None:
        while self.outgoing:
            piece = self.outgoing[0]
            count = connection.write(piece)
            if count < len(piece):
                if count:
                    self.outgoing[0] = piece[count:]
                return
            self.outgoing.popleft()

    def take(self, data: bytes) -> None:
        self.incoming += data
        at = 0
        while len(self.incoming) - at >= HEAD.size:
            kind, size = HEAD.unpack_from(self.incoming, at)
            if size > LONGEST:
                raise Broken("a record is too long")
            end = at + HEAD.size + size
            if len(self.incoming) < end:
                break
            payload = bytes(self.incoming[at + HEAD.size : end])
            at = end
            if kind in COUNTED:
                self.received += 1
                self.taken += size + HEAD.size
                if self.taken > 2 * WINDOW:
                    raise Broken("more has come than may be on its way")
                self.on_record(kind, payload)
            elif kind == ACK and size == 8:
                self.confirm(struct.unpack("!Q", payload)[0])
            elif kind == PING:
                self.whisper(PONG)
                if not any(self.sinks.values()):
                    self.say_received()
            elif kind == BYE:
                self.done = True
                self.outgoing.clear()
                self.sinks.clear()
            elif kind != PONG:
                raise Broken("a record of no known kind")
        del self.incoming[:at]


def write_now(fd: int, data: memoryview) -> int:
    """How much went out; all of it, where nobody reads any more."""
    try:
        return os.write(fd, data)
    except (BlockingIOError, InterruptedError):
        return 0
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EBADF, errno.EIO):
            raise
        return len(data)


def read_exactly(sock: socket.socket, size: int, until: float | None = None) -> bytes:
    """From a socket that blocks; all of it by `until`, of time.monotonic(). Raises Cut."""
    data = b""
    while len(data) < size:
        try:
            if until is not None:
                left = until - time.monotonic()
                if left <= 0:
                    raise Cut("it took too long")
                sock.settimeout(left)
            more = sock.recv(size - len(data))
        except OSError as error:
            raise Cut(error.strerror or str(error)) from None
        if not more:
            raise Cut("it was closed")
        data += more
    return data
