"""`elsewhere serve ADDRESS`: the server with what it keeps on disk, and what it says."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import stat
import sys

from elsewhere._private_file import write_private
from elsewhere._socket.certificate import make_certificate
from elsewhere._socket.server import Server, listen, server_context
from elsewhere._socket.token import (
    SECRET_SIZE,
    BadToken,
    is_loopback,
    make_token,
    read_private,
    read_token,
    settings_folder,
    split_address,
)
from elsewhere.errors import CannotWrite, Error, Unreachable, Untrusted, UsageError


def main(words: list[str]) -> int:
    """words: the token's file or "", "open" or "", the address. See cli/serve.cpp."""
    token, openly, address = words
    try:
        serve(address, os.path.expanduser(token), bool(openly))
    except BadToken as error:
        return complain(Untrusted(str(error), "or name another file: --token FILE"))
    except Error as error:
        return complain(error)
    return 0


def complain(error: Error) -> int:
    print(f"error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)
    return error.exit_code


def serve(address: str, token: str, openly: bool) -> None:
    inode = None
    if "/" in address:
        if token or openly:
            raise UsageError(
                "a unix socket takes no token", "who may use it says its file: your user alone"
            )
        listener = listen_unix(address)
        spec, server = f"unix={address}", Server(listener, None, None, log)
        inode = inode_of(address)
    else:
        try:
            host, port = split_address(address)
        except ValueError as error:
            raise UsageError(str(error), "for example 127.0.0.1:7000, or a path with a /") from None
        if openly and not is_loopback(host):
            raise UsageError(
                f"--no-token on {host}: anybody who reaches it could run programs here",
                "leave --no-token away, or listen on 127.0.0.1",
            )
        if openly and token:
            raise UsageError("both --token and --no-token are given", "leave one away")
        secret, context = None, None
        if not openly:
            pem, secret, token = keys(token or os.path.join(settings_folder(), "token"))
            context = server_context(pem)
        listener = listen_tcp(host, port)
        if openly and not is_loopback(listener.getsockname()[0]):  # so says /etc/hosts
            raise UsageError(
                f"--no-token on {host}, which is {listener.getsockname()[0]} here: anybody who "
                "reaches it could run programs here",
                "leave --no-token away, or listen on 127.0.0.1",
            )
        shown = f"[{host}]" if ":" in host else host
        spec = f"socket={shown}:{listener.getsockname()[1]}"
        spec += "//token=none" if openly else f"//token={token}"
        server = Server(listener, context, secret, log)
    wake = stop_by_signals()
    print(spec, flush=True)
    if server.secret is not None:
        log(f"other machines need a copy of {token}, readable by nobody else")
    with listener:
        server.run(wake)
        if inode is not None and inode == inode_of(address):  # not a later server's
            os.unlink(address)


def log(text: str) -> None:
    print(f"elsewhere serve: {text}", file=sys.stderr, flush=True)


def stop_by_signals() -> int:
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    return read


def listen_tcp(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise Unreachable(
            f"cannot listen on {host}:{port}: {error.strerror}",
            "port 0 takes a free one; see who listens: ss -ltnp",
        ) from None


def listen_unix(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        if is_stale(path):
            os.unlink(path)
        listener.bind(path)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise CannotWrite(
            f"cannot listen on {path}: {error.strerror or error}",
            "does another server listen there? a path has at most 107 bytes",
        ) from None
    finally:
        os.umask(before)
    return listener


def inode_of(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_stale(path: str) -> bool:
    """A socket on which nobody listens any more; of any other file connect() says the same."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
    except OSError:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        return False


# --- what is kept --------------------------------------------------------------------------------


def keys(path: str) -> tuple[str, bytes, str]:
    """(PEM, secret, path of the token), made where there is none. The key is beside the token."""
    path = os.path.abspath(path)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise CannotWrite(
            f"cannot write {error.filename}: {error.strerror}", "name another file: --token FILE"
        ) from None
    try:
        # Of servers that start at once, one makes the files and the others read them.
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        return kept_keys(path)
    finally:
        os.close(folder)


def kept_keys(path: str) -> tuple[str, bytes, str]:
    try:
        pem = read_private(f"{path}.pem")
        return pem, read_token(read_private(path), path)[0], path
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Untrusted(f"cannot read {error.filename}: {error.strerror}") from None
    if os.path.exists(path):
        raise Untrusted(
            f"{path} is the token of another server: {path}.pem is not here",
            "name another file: --token FILE",
        )
    secret = os.urandom(SECRET_SIZE)
    pem, certificate = make_certificate()
    try:
        write_private(f"{path}.pem", pem.encode())
        write_private(path, f"{make_token(secret, certificate)}\n".encode())
    except OSError as error:
        raise CannotWrite(
            f"cannot write {error.filename}: {error.strerror}", "name another file: --token FILE"
        ) from None
    return pem, secret, path
