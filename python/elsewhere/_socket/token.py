"""A token: the secret that lets a caller in, and the certificate that it may say the secret to."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import stat
import struct

SECRET_SIZE = 24
NOBODY = b"\0" * SECRET_SIZE  # said where no secret is asked for


class BadToken(Exception):
    """The text names what is wrong, and with which file."""


def make_token(secret: bytes, certificate: bytes) -> str:
    """`certificate`: DER. One word, that can be pasted into a prompt."""
    both = secret + hashlib.sha256(certificate).digest()
    return base64.urlsafe_b64encode(both).decode().rstrip("=")


def read_token(text: str, origin: str) -> tuple[bytes, bytes]:
    """(secret, SHA-256 of the certificate)."""
    word = text.strip()
    try:
        both = base64.b64decode(word + "=" * (-len(word) % 4), b"-_", validate=True)
    except ValueError:
        both = b""
    if len(both) != SECRET_SIZE + 32:
        raise BadToken(f"what {origin} has is no token of `elsewhere serve`")
    return both[:SECRET_SIZE], both[SECRET_SIZE:]


def read_private(path: str) -> str:
    """A file that nobody else may read.

    Raises:
        OSError: it cannot be read.
        BadToken: others can read it.
    """
    with open(path, encoding="ascii", errors="replace") as file:
        found = os.fstat(file.fileno())
        if stat.S_ISREG(found.st_mode) and (
            found.st_mode & 0o077 or found.st_uid not in (os.geteuid(), 0)
        ):
            raise BadToken(f"{path} can be read by others: chmod 600 it, and make a new token")
        return file.read(65536)


def settings_folder() -> str:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):  # the XDG specification: a relative path is to be ignored
        base = os.path.expanduser("~/.config")
    return os.path.join(base, "elsewhere")


def is_loopback(host: str) -> bool:
    """Whether a name or address leads to this machine whatever anybody configures."""
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def user_of(sock: socket.socket) -> int:
    """Who is at the other end of a unix socket: who connected, or who listens."""
    size = struct.calcsize("3i")
    found = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    uid: int = found[1]
    return uid


def split_address(address: str) -> tuple[str, int]:
    """host:port, [::1]:port. Raises ValueError."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{address} is no host:port; write [{host}]:{port}")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{address} is no host:port")
    return host or "localhost", int(port)
