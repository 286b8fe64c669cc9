"""In the process where a moved program goes on: the way to the porter and through it to the origin.

The control descriptor carries messages both ways: u32 size, then a tuple by marshal. Both ends are
one user's processes on one machine, started by each other.
"""

from __future__ import annotations

import _thread
import marshal
import os
import sys

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any, NoReturn

control = -1  # the descriptor; -1 in a program that never moved
_process = -1  # whose it is: a forked copy of the program must not talk in its name
_asking = _thread.allocate_lock()  # one question at a time
path = ""  # where the program suspends itself to when the link is lost
directory: str | None = None  # where it goes on, if not where it was
lost = False
_porter = 0  # the process that stands between this one and the origin
_output: dict[str, int] = {}  # "out", "err": the other ends of stdout and stderr
_value = b""  # what a forked program's fork() returns, pickled
_waiting: list[tuple[Any, ...]] = []  # values from the parent that nobody has asked for yet


def wait_for_state(arrival: dict[str, Any]) -> None:
    """Returns when the whole state is there; ends the process if its origin has gone."""
    global control, path, directory, _process, _value, _porter
    control = arrival["control"]
    _process = os.getpid()
    _porter = arrival["porter"]
    _output.update(arrival["output"])
    directory = arrival["directory"]
    for number in arrival["descriptors"]:
        os.set_inheritable(number, False)
    if any(arrival["terminal"]):
        import fcntl
        import termios

        fcntl.ioctl(arrival["terminal"].index(True), termios.TIOCSCTTY, 0)
    message = _hear()
    if message is None or message[0] != "state":
        os._exit(0)
    path = message[1]
    if arrival["value"]:
        from binascii import a2b_base64

        _value = a2b_base64(arrival["value"])


def failed(error: BaseException) -> NoReturn:
    """Tells the origin why the program cannot go on here."""
    from elsewhere.errors import Error

    if isinstance(error, Error):
        _tell("failed", type(error).__name__, error.message, error.hint)
    elif isinstance(error, ModuleNotFoundError):
        hint = "install it there: what was installed is imported again, not sent"
        _tell("failed", "Unsupported", f"the program needs a module: {error}", hint)
    else:
        _tell("failed", "Refused", f"{type(error).__name__}: {error}", "")
    os._exit(1)


def value() -> Any:
    """What the call that moved the program returns here."""
    if not _value:
        return None
    import pickle

    return pickle.loads(_value)


def place_after_a_lost_link() -> str:
    """Where the program goes when its origin is out of reach; what it prints goes there too."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    if os.getppid() != _porter:  # killed, so that nobody reads what is printed
        for number, name in enumerate(("out", "err"), 1):
            if name in _output:
                _redirect(number, _output.pop(name), f"{path}.{name}")
    return path


def _redirect(number: int, source: int, target: str) -> None:
    """Descriptor `number` to a file, after what was written to it and not read from `source`.

    Until here `source` kept writes from failing; it stays open if it is a terminal, which would
    hang up.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    file = os.open(target, flags, 0o600)
    os.set_blocking(source, False)
    try:
        while piece := os.read(source, 1 << 16):
            os.write(file, piece)
    except OSError:
        pass  # no more of it
    here, there = os.fstat(number), os.fstat(source)
    if os.isatty(number) or (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
        os.dup2(file, number)
        if not os.isatty(source):
            os.close(source)
    os.close(file)


# ---- messages ------------------------------------------------------------------------------------


def _tell(*message: Any) -> None:
    body = marshal.dumps(message, 2)
    view = memoryview(len(body).to_bytes(4, "little") + body)
    while view:
        view = view[os.write(control, view) :]


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(control, size - len(data))
        if not piece:
            return b""
        data += piece
    return data


def _hear() -> tuple[Any, ...] | None:
    head = _read(4)
    body = _read(int.from_bytes(head, "little")) if head else b""
    return marshal.loads(body) if body else None


def _answer(kind: str) -> tuple[Any, ...] | None:
    """The next message of that kind; None when there will be none."""
    global lost
    while not lost:
        message = _hear()
        if message is None or message[0] == "lost":
            lost = True
        elif message[0] == kind:
            return message
        else:
            _waiting.append(message)
    return None


# ---- modules that are imported only now ----------------------------------------------------------


class OriginFinder:
    """Finds the program's own modules where it came from. The last of sys.meta_path."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if _process != os.getpid() or lost:
            return None
        with _asking:
            _tell("find", name, list(sys.path if path is None else path))
            answer = _answer("module")
        if answer is None or answer[1] is None:
            return None
        from _frozen_importlib import spec_from_loader  # importlib.util is slow to import

        file, is_package, source = answer[1]
        loader: Any = OriginLoader(file, source)
        spec = spec_from_loader(name, loader, origin=file, is_package=is_package)
        if spec is not None:
            spec.has_location = True
            if is_package:
                spec.submodule_search_locations = [os.path.dirname(file)]
        return spec


class OriginLoader:
    """Source that came over the link."""

    def __init__(self, file: str, source: bytes) -> None:
        self.file = file
        self.source = source

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.get_code(module.__name__), vars(module))

    def get_source(self, fullname: str) -> str:
        from importlib.util import decode_source

        return decode_source(self.source)

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self.source, self.file, "exec", dont_inherit=True)
        return code

    def get_filename(self, fullname: str) -> str:
        return self.file


def find_at_origin() -> None:
    """From here on imports that fail here are asked for there."""
    if OriginFinder not in sys.meta_path:
        sys.meta_path.append(OriginFinder)


# ---- values between a forked program and its parent ----------------------------------------------


class ParentChannel:
    """The other end of `Child.channel`, in the forked program."""

    def send(self, item: Any) -> None:
        """Send a value of builtin types. Raises ValueError for others, OSError: parent gone."""
        item = marshal.dumps(item, 2)
        with _asking:
            _tell("value", item)

    def receive(self) -> Any:
        """The parent's next value. Raises EOFError when there will be none."""
        with _asking:
            for index, message in enumerate(_waiting):
                if message[0] == "value":
                    return marshal.loads(_waiting.pop(index)[1])
            message = _answer("value") or ()
        if not message:
            raise EOFError("the parent has gone")
        return marshal.loads(message[1])


def parent() -> ParentChannel:
    if _process != os.getpid() or not _value:
        from elsewhere.errors import UsageError

        raise UsageError("this program was not forked to here", "elsewhere.fork makes children")
    return ParentChannel()
