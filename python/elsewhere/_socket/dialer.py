"""The caller's end, a process as `ssh` is one: stdin and stdout are the far program's.

usage: … [--token FILE | --token none] HOST:PORT WORD…
       … --unix PATH WORD…

WORDs are what is started there; an empty first one is the server's Python. Ends as that ends. With
exit code 255 it never came to it, or lost it, and stderr says why.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import socket
import ssl
import struct
import sys
import time

from elsewhere._socket.session import (
    ANSWER,
    BYE,
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
    read_exactly,
)
from elsewhere._socket.token import (
    NOBODY,
    BadToken,
    is_loopback,
    read_private,
    read_token,
    settings_folder,
    split_address,
    user_of,
)

SAYS = "elsewhere socket: "
FIRST = 20.0  # seconds for the first connection


class Refused(Exception):
    """It makes no sense to try again."""


class Server:
    """Where to connect, and what to say and see there."""

    def __init__(self, address: str, secret: bytes, pin: bytes | None) -> None:
        self.address = address
        self.is_unix = "/" in address
        self.secret = secret
        self.pin = pin  # None: no TLS

    def connect(self, timeout: float) -> socket.socket:
        if self.is_unix:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(timeout)
            try:
                sock.connect(self.address)
                # What it answers may be pickles. Anybody can make a socket in a shared folder.
                if user_of(sock) not in (0, os.geteuid()):
                    raise Refused(f"the server there is of another user, {user_of(sock)}")
            except BaseException:
                sock.close()
                raise
            return sock
        sock = socket.create_connection(split_address(self.address), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.pin is None:
            if not is_loopback(sock.getpeername()[0]):  # whatever /etc/hosts makes of its name
                sock.close()
                raise Refused("token=none is for a server on this machine's loopback only")
            return sock
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False  # the token has the certificate's hash
        context.verify_mode = ssl.CERT_NONE
        try:
            secure = context.wrap_socket(sock)
        except ssl.SSLEOFError:
            sock.close()
            raise Cut("it was closed") from None
        except ssl.SSLError as error:
            sock.close()
            raise Refused(f"no server of ours answers there ({error.reason or error})") from None
        except OSError:
            sock.close()
            raise
        shown = hashlib.sha256(secure.getpeercert(True) or b"").digest()
        if not hmac.compare_digest(shown, self.pin):
            secure.close()
            raise Refused("this is not the server that the token names")
        return secure

    def greet(
        self, wish: bytes, name: bytes, got: int, timeout: float
    ) -> tuple[Connection, bytes, int]:
        """(connection, the session's name, records that the other end has got)."""
        sock = self.connect(timeout)
        try:
            sock.sendall(PREAMBLE + GREETING.pack(self.secret, wish, name, got))
            if read_exactly(sock, len(PREAMBLE)) != PREAMBLE:
                raise Refused("no server of ours answers there")
            sign, name, number = ANSWER.unpack(read_exactly(sock, ANSWER.size))
            if sign != b"+":
                raise Refused(read_exactly(sock, min(number, 1000)).decode("utf-8", "replace"))
        except BaseException:
            sock.close()
            raise
        return Connection(sock), name, number


class Caller:
    """The far program, as if it were this process."""

    def __init__(self, server: Server, words: list[str], stop: int) -> None:
        self.server = server
        self.stop = stop
        self.status: int | None = None
        self.session = Session({0: DATA}, self.arrived, self.ended)
        self.session.say(COMMAND, json.dumps(words).encode())

    def arrived(self, kind: bytes, data: bytes) -> None:
        if kind == DATA:
            self.session.put(1, data)
        elif kind == ERRORS:
            self.session.put(2, data)
        elif kind == EXIT:
            self.status = struct.unpack("!i", data)[0]
            self.session.done = True

    def ended(self, kind: bytes) -> None:
        self.session.say(END)

    def run(self) -> int:
        """Its exit code, or minus the signal's number. Raises Cut, Refused, Broken."""
        connection, name, got = self.server.greet(b"N", b"", 0, FIRST)
        while True:
            try:
                self.session.resume(got)
                self.session.carry(connection, self.stop)
                if self.status is None:  # asked to end
                    self.status = -signal.SIGTERM
                self.session.whisper(BYE)
                self.session.send(connection)
                return self.status
            except Cut as error:
                if self.status is not None:
                    return self.status
                connection.close()
                connection, got = self.again(name, error)

    def again(self, name: bytes, cut: Cut) -> tuple[Connection, int]:
        end = time.monotonic() + PATIENCE
        pause = 0.1
        while True:
            try:
                left = max(1.0, min(10.0, end - time.monotonic()))
                connection, _, got = self.server.greet(b"R", name, self.session.received, left)
                return connection, got
            except (Cut, OSError) as error:
                if time.monotonic() + pause > end:
                    raise Cut(f"the connection was lost: {cut}; then {why(error)}") from None
            except Refused as error:
                raise Cut(f"the connection was lost: {cut}; then {error}") from None
            time.sleep(pause)
            pause = min(2 * pause, 2.0)


def why(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return f"the name does not resolve ({error.strerror})"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error)


def find_token(address: str, given: str) -> tuple[bytes, bytes | None]:
    """(secret, the certificate's hash). Raises BadToken."""
    if given == "none":
        if not is_loopback(split_address(address)[0]):
            raise BadToken("token=none is for a server on this machine's loopback only")
        return NOBODY, None
    folder = settings_folder()
    places = [given] if given else [f"{folder}/tokens/{address}", f"{folder}/token"]
    for place in places:
        try:
            return read_token(read_private(os.path.expanduser(place)), place)
        except OSError as error:
            if given or not isinstance(error, FileNotFoundError):
                raise BadToken(f"there is no token: {place}: {error.strerror}") from None
    return read_token(ask_for_token(address), "the prompt")


def ask_for_token(address: str) -> str:
    import getpass

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise BadToken(f"there is no token for {address}, and nobody to ask for it") from None
    with os.fdopen(terminal, "r+b", buffering=0):
        return getpass.getpass(f"token of {address}: ")


def main(words: list[str]) -> int:
    token = ""
    if words[0] == "--token":
        token = words[1]
        words = words[2:]
    is_unix = words[0] == "--unix"
    address, *command = words[1:] if is_unix else words
    try:
        if is_unix:
            server = Server(os.path.abspath(os.path.expanduser(address)), NOBODY, None)
        else:
            split_address(address)
            server = Server(address, *find_token(address, token))
        stop, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGTERM, lambda *_: None)
        os.set_blocking(1, False)
        status = Caller(server, command, stop).run()
    except (BadToken, Refused, Broken, Cut) as error:
        print(f"{SAYS}{error}", file=sys.stderr)
        return 255
    except OSError as error:
        print(f"{SAYS}cannot connect: {why(error)}", file=sys.stderr)
        return 255
    except ValueError as error:
        print(f"{SAYS}{error}", file=sys.stderr)
        return 255
    if status < 0:
        if -status not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status
