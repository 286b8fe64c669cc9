"""A folder, copied to any number of other places."""

from __future__ import annotations

import hashlib
import os
import queue
import stat

from elsewhere.errors import Disconnected, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from elsewhere._gateway.channel import Channel
    from elsewhere._gateway.gateway import Gateway

PIECE = 1 << 20


class RSync:
    """Copies a folder to others through gateways: of files there that differ, the content.

    Symbolic links go as they are; one that leads into the folder by an absolute path leads into
    the copy there. Special files are refused.

    Args:
        sourcedir: the folder.
        callback: called with ("list", bytes to send, channel) and, for each file that a place has,
            ("ack", its bytes, channel).
        verbose: print what is sent.
    """

    def __init__(
        self,
        sourcedir: str | os.PathLike[str],
        callback: Callable[[str, int, Channel], object] | None = None,
        verbose: bool = True,
    ) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"callback {callback!r} cannot be called")
        self._sourcedir = str(sourcedir)
        self._verbose = verbose
        self._callback = callback
        self._channels: dict[Channel, Callable[[], object] | None] = {}
        self._received: queue.SimpleQueue[tuple[Channel, Any]] = queue.SimpleQueue()
        self._sizes: dict[tuple[str, ...], int] = {}  # of what is there to be asked for

    def filter(self, path: str) -> bool:
        """Whether to copy this path, below the folder. To be overridden."""
        return True

    def add_target(
        self,
        gateway: Gateway,
        destdir: str | os.PathLike[str],
        finishedcallback: Callable[[], object] | None = None,
        **options: object,
    ) -> None:
        """Copy to `destdir` at the end of `gateway` too.

        Args:
            finishedcallback: called when that place has all.
            options: `delete=True` removes there what is not here.
        """
        if unknown := set(options) - {"delete"}:
            raise TypeError(f"unknown option: {', '.join(sorted(unknown))}")
        from elsewhere._gateway import rsync_target

        channel = gateway.remote_exec(rsync_target)
        # Names are text for both, contents are not.
        channel.reconfigure(py2str_as_py3str=False, py3str_as_py2str=True)

        def received(message: Any) -> None:
            self._received.put((channel, message))

        channel.setcallback(received, endmarker=None)
        channel.send((str(destdir), options))
        self._channels[channel] = finishedcallback

    def send(self, raises: bool = True) -> None:
        """Copy, and return when all places have all.

        Raises:
            OSError: there is no target, or only such as have been sent to; a file cannot be read.
            RemoteError: a place cannot be written to.
        """
        if not self._channels:
            if raises:
                raise OSError("there is no target: add_target() comes before each send()")
            return
        self._sourcedir = os.path.dirname(os.path.join(self._sourcedir, "x"))
        self._sizes.clear()
        tree = self._tree(self._sourcedir)
        for channel in self._channels:
            channel.send(tree)
        while self._channels:
            channel, message = self._received.get()
            if message is None:
                if channel in self._channels:
                    self._lost(channel)
                continue
            kind, what = _text(message[0]), message[1]
            if kind == "list":
                self._send_files(channel, [(list(map(_text, names)), sum_) for names, sum_ in what])
            elif kind == "ack":
                if self._callback is not None:
                    self._callback("ack", self._sizes.get(tuple(map(_text, what)), 0), channel)
            else:
                self._done(channel)

    # --- the source --------------------------------------------------------------------------

    def _tree(self, path: str) -> tuple[Any, ...] | None:
        """What rsync_target.py says of a path; None if it is gone."""
        try:
            status = os.lstat(path)
            if path == self._sourcedir:
                status = os.stat(path)
            if stat.S_ISDIR(status.st_mode):
                return "d", status.st_mode, self._entries(path)
            if stat.S_ISLNK(status.st_mode):
                return "l", *self._link(os.readlink(path))
        except FileNotFoundError:
            if path == self._sourcedir:
                raise
            return None
        if stat.S_ISREG(status.st_mode):
            names = () if path == self._sourcedir else os.path.relpath(path, self._sourcedir)
            self._sizes[tuple(names.split(os.sep)) if names else ()] = status.st_size
            return "f", status.st_mode, status.st_mtime, status.st_size
        raise ValueError(f"{path!r} is no file, folder or symbolic link: it cannot be copied")

    def _entries(self, path: str) -> list[tuple[str, tuple[Any, ...]]]:
        names = [name for name in sorted(os.listdir(path)) if self.filter(os.path.join(path, name))]
        trees = [(name, self._tree(os.path.join(path, name))) for name in names]
        return [(name, tree) for name, tree in trees if tree is not None]

    def _link(self, target: str) -> tuple[bool, str]:
        if os.path.isabs(target):
            inside = os.path.relpath(target, self._sourcedir)
            if inside not in (os.curdir, os.pardir) and not inside.startswith(os.pardir + os.sep):
                return True, inside
        return False, target

    # --- a target ----------------------------------------------------------------------------

    def _send_files(self, channel: Channel, wanted: list[tuple[list[str], bytes | None]]) -> None:
        for names, _ in wanted:
            if tuple(names) not in self._sizes:  # nobody there reads other files of ours
                raise ProtocolError(f"{channel.gateway} asks for {names}, which it was not offered")
        if self._callback is not None:
            self._callback("list", sum(self._sizes[tuple(names)] for names, _ in wanted), channel)
        for names, known in wanted:
            self._send_file(channel, names, known)

    def _send_file(self, channel: Channel, names: list[str], known: bytes | None) -> None:
        try:
            file = open(os.path.join(self._sourcedir, *names), "rb")  # noqa: SIM115
        except FileNotFoundError:
            channel.send(None)
            return
        with file:
            if known is not None and known == _checksum(file):
                channel.send(None)
                return
            self._report_send_file(channel.gateway, "/".join(names))
            while piece := file.read(PIECE):
                channel.send(piece)
            if file.tell() == 0:
                channel.send(b"")
        channel.send(None)

    def _report_send_file(self, gateway: Gateway, modified_rel_path: str) -> None:
        if self._verbose:
            print(f"{gateway} <= {modified_rel_path}")

    def _done(self, channel: Channel) -> None:
        finished = self._channels.pop(channel)
        if finished is not None:
            finished()
        channel.waitclose()

    def _lost(self, channel: Channel) -> None:
        """It has ended before it was done."""
        del self._channels[channel]
        channel.waitclose()
        raise Disconnected(f"{channel.gateway} ended before it had all files")


def _text(name: str | bytes) -> str:
    """A name or a word, which Python 2 sends as its bytes."""
    return os.fsdecode(name)


def _checksum(file: Any) -> bytes:
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    file.seek(0)
    return digest.digest()
