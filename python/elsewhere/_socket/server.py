"""The server's end: lets callers in, starts what they ask for, keeps it while links are lost."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hmac
import json
import os
import queue
import secrets
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

from elsewhere._socket.session import (
    ANSWER,
    BRIEF,
    COMMAND,
    DATA,
    END,
    ERRORS,
    EXIT,
    GREETING,
    PATIENCE,
    PREAMBLE,
    Broken,
    Connection,
    Cut,
    Session,
    Silent,
    read_exactly,
)
from elsewhere._socket.token import NOBODY, user_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HANDSHAKE = 10.0  # seconds for a caller to say who it is
MOST_STRANGERS = 64  # callers that have not said so yet
FAREWELL = 8.0  # seconds for a process to end once its caller is gone for good
REST = 0.3  # seconds for the last words of a process that has ended
F_SETPIPE_SZ = 1031


class Life:
    """What one caller has started here, on whatever connection it is now."""

    def __init__(self, server: Server, name: bytes) -> None:
        self.server = server
        self.name = name
        self.connections: queue.Queue[tuple[socket.socket, int]] = queue.Queue()
        self.process: subprocess.Popen[bytes] | None = None
        self.session = Session({}, self.arrived, self.ended)
        self.wake_read, self.wake_write = os.pipe()
        self.exit_read = -1
        self.lock = threading.Lock()
        self.over = False

    def attach(self, sock: socket.socket, got: int) -> bool:
        """From any thread: goes on with this connection instead of the one before, if at all."""
        with self.lock:  # after the end, the number of wake_write may be another's file
            if self.over:
                return False
            self.connections.put((sock, got))
            os.write(self.wake_write, b"x")
            return True

    def run(self) -> None:
        patience = PATIENCE + 10
        try:
            while not self.session.done:
                try:
                    sock, got = self.connections.get(timeout=patience)
                except queue.Empty:
                    break
                os.read(self.wake_read, 1)
                patience = PATIENCE + 10
                with sock:
                    try:
                        # Here, where nothing comes in by the connection before any more.
                        number = self.session.received
                        sock.sendall(PREAMBLE + ANSWER.pack(b"+", self.name, number))
                        self.session.resume(got)
                        self.session.carry(Connection(sock), self.wake_read)
                    except Silent:
                        pass
                    except (Cut, OSError):  # it may come back
                        if sock.family == socket.AF_UNIX:  # which only its end closes
                            patience = BRIEF
        except (Broken, ValueError) as error:
            self.server.log(f"a caller is sent away: {error}")
        finally:
            self.server.lives.pop(self.name, None)
            self.end()

    def end(self) -> None:
        with self.lock:
            self.over = True
        while not self.connections.empty():
            self.connections.get()[0].close()
        process = self.process
        if process is not None:
            for stream in process.stdin, process.stdout, process.stderr:
                if stream is not None:
                    stream.close()
            try:
                process.wait(FAREWELL)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for fd in self.wake_read, self.wake_write, self.exit_read:
            if fd >= 0:
                os.close(fd)

    # --- what the session tells ------------------------------------------------------------------

    def arrived(self, kind: bytes, data: bytes) -> None:
        process = self.process
        if kind == COMMAND and process is None:
            self.start(json.loads(data.decode()))
        elif process is None or process.stdin is None:
            pass  # it could not be started, or its stdin has ended
        elif kind == DATA:
            self.session.put(process.stdin.fileno(), data)
        elif kind == END:
            # Kept open under another number for the session to close.
            fd = process.stdin.fileno()
            copy = os.dup(fd)
            waiting = self.session.sinks.pop(fd, None)
            if waiting:
                self.session.sinks[copy] = waiting
            process.stdin.close()
            process.stdin = None
            self.session.close_sink(copy)

    def start(self, words: list[str]) -> None:
        if not words[0]:
            words[0] = sys.executable
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            self.session.say(ERRORS, f"{words[0]}: {error.strerror}\n".encode())
            self.session.say(EXIT, struct.pack("!i", 127))
            return
        self.process = process
        self.exit_read, told = os.pipe()
        for stream in process.stdin, process.stdout, process.stderr:
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
        for stream in process.stdin, process.stdout:
            assert stream is not None
            with contextlib.suppress(OSError):  # not here, or not so much
                fcntl.fcntl(stream.fileno(), F_SETPIPE_SZ, 256 * 1024)
        assert process.stdout is not None and process.stderr is not None
        self.session.sources = {
            process.stdout.fileno(): DATA,
            process.stderr.fileno(): ERRORS,
            self.exit_read: EXIT,
        }

        def wait() -> None:
            process.wait()
            os.close(told)

        threading.Thread(target=wait, daemon=True).start()

    def ended(self, kind: bytes) -> None:
        process = self.process
        if kind != EXIT or process is None:
            return
        # What it has left in its pipes; who else may still write there is not waited for, but that
        # its output is passed on by a process beside it (spec/output.md).
        until = time.monotonic() + REST
        for source, of in list(self.session.sources.items()):
            while True:
                try:
                    data = os.read(source, 1 << 18)
                except BlockingIOError:
                    if select.select([source], [], [], max(0.0, until - time.monotonic()))[0]:
                        continue
                    break
                except OSError:
                    break
                if not data:
                    break
                self.session.say(of, data)
        self.session.sources.clear()
        self.session.say(EXIT, struct.pack("!i", process.wait()))


class Server:
    """Listens. `context` and `secret` None: no TLS, and nothing is asked (see `serving`)."""

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext | None,
        secret: bytes | None,
        log: Callable[[str], None],
    ) -> None:
        self.listener = listener
        self.context = context
        self.secret = secret
        self.log = log
        self.lives: dict[bytes, Life] = {}
        self.strangers = threading.Semaphore(MOST_STRANGERS)

    def run(self, stop: int) -> None:
        """Until `stop` becomes readable."""
        self.listener.setblocking(False)
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        poll.register(stop, select.POLLIN)
        while True:
            if any(fd == stop for fd, _ in poll.poll()):
                return
            try:
                sock, address = self.listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    time.sleep(0.1)  # it stays readable until somebody leaves
                continue
            if not self.strangers.acquire(blocking=False):
                sock.close()  # a flood
                continue
            try:
                threading.Thread(target=self.meet, args=(sock, address), daemon=True).start()
            except RuntimeError:  # no more threads
                self.strangers.release()
                sock.close()

    def meet(self, sock: socket.socket, address: object) -> None:
        """A caller says who it is; this thread is then its Life's."""
        life = None
        try:
            life = self.admit(sock)
        except (Cut, OSError, ValueError) as error:
            self.log(f"{address or 'a process'}: {error}")
            sock.close()
        finally:
            self.strangers.release()
        if life is not None:
            life.run()

    def admit(self, sock: socket.socket) -> Life | None:
        until = time.monotonic() + HANDSHAKE
        sock.settimeout(HANDSHAKE)
        if sock.family == socket.AF_UNIX:
            check_user(sock)
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context is not None:
            sock = self.context.wrap_socket(sock, server_side=True)
        if read_exactly(sock, len(PREAMBLE), until) != PREAMBLE:
            raise ValueError("it does not speak our language")
        greeting = read_exactly(sock, GREETING.size, until)
        sock.settimeout(HANDSHAKE)
        secret, wish, name, got = GREETING.unpack(greeting)
        wanted = NOBODY if self.secret is None else self.secret
        if not hmac.compare_digest(secret, wanted):
            refuse(sock, "the token is not the one of this server")
            raise ValueError("the token is wrong")
        life = self.lives.get(name)
        if wish == b"N":
            life = Life(self, secrets.token_bytes(16))
            self.lives[life.name] = life
        if life is None or not life.attach(sock, got):
            refuse(sock, "what was started here is not there any more")
            raise ValueError("it wants to go on with what is not there")
        return life if wish == b"N" else None


def refuse(sock: socket.socket, why: str) -> None:
    text = why.encode()
    sock.sendall(PREAMBLE + ANSWER.pack(b"-", b"", len(text)) + text)


def check_user(sock: socket.socket) -> None:
    """A unix socket is for its own user and root, whatever the mode of the file."""
    uid = user_of(sock)
    if uid not in (0, os.geteuid()):
        raise ValueError(f"user {uid} is not the one of this server")


def server_context(pem: str) -> ssl.SSLContext:
    """TLS 1.3 with this key and certificate."""
    import tempfile

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # OpenSSL reads files only; where there is memory with a name, the key is on no disk.
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("elsewhere")
        path = f"/proc/self/fd/{fd}"
    else:
        fd, path = tempfile.mkstemp(prefix="elsewhere-")
    with os.fdopen(fd, "w") as file:
        try:
            file.write(pem)
            file.flush()
            context.load_cert_chain(path)
        finally:
            if not path.startswith("/proc/"):
                os.unlink(path)
    return context


def listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def serve_channel(channel: Any) -> None:
    """As code of a gateway: takes (host, port, PEM, secret), tells the port, serves until the
    channel or the gateway ends."""
    host, port, pem, secret = channel.receive()
    listener = listen(host, port)
    server = Server(listener, server_context(pem), secret, lambda text: None)
    read, write = os.pipe()
    channel.send(listener.getsockname()[1])

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            channel.receive()
        os.close(write)

    threading.Thread(target=wait, daemon=True).start()
    with listener:
        server.run(read)
