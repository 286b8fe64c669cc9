"""Into another shell, as many, or into a file: `tp_shell`, `fork_shell`, `dump`."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

from elsewhere._elsewhere import fork as _fork
from elsewhere._elsewhere import teleport as _teleport
from elsewhere._private_file import write_private
from elsewhere.compat.pyteleport.snapshot import as_pyc, program_here
from elsewhere.errors import Unsupported, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import IO, Any, NoReturn

__all__ = ["bash_teleport", "dump", "fork_shell", "tp_bash", "tp_dummy", "tp_shell"]

_NO_EFFECT = frozenset(
    {
        "_skip",
        "call_tos",
        "detect_interactive",
        "env",
        "non_blocking_delimiter",
        "object_storage_protocol",
        "pack_file",
        "pack_object",
        "pyc_fn",
        "shell_delimiter",
        "stack_method",
        "unpack_object",
        "wait",
    }
)
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
# Options of ssh that take a value as the next word.
_SSH_WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")


def _spec(
    shell_args: Sequence[str],
    python: str,
    before: str | Sequence[str],
    others: dict[str, Any],
) -> str:
    _refuse_unknown(others)
    lines = [before] if isinstance(before, str) else list(before)
    words = list(shell_args)
    program = os.path.basename(words[0]) if words else ""
    if program in _SHELLS:
        if words[1:] not in (["-c"], ["-lc"], []):
            raise UsageError(
                f"{shlex.join(words)}: cannot tell what that starts", 'give "bash", "-c"'
            )
        parts = ["popen"]
    elif program == "ssh":
        options, host, prologue = _split_ssh(words[1:])
        lines = prologue + lines
        parts = [f"ssh={shlex.join([*options, host])}"]
    else:
        raise Unsupported(
            f"cannot reach a shell by {shlex.join(words)!r}", 'give "ssh", HOST or "bash", "-c"'
        )
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    parts.append(f"python={minor if python in ('python', 'python3') else python}")
    lines = [stripped for line in lines if (stripped := line.strip().rstrip(";"))]
    if lines:
        parts.append(f"before={'; '.join(lines)}")
    # pyteleport goes on in whatever directory the shell is in.
    parts.append("chdir=.")
    return "//".join(parts)


def _values(
    n: int | Iterable[object] | None, return_: Iterable[object] | None
) -> list[object] | None:
    """What those that go on are given; None: there is one, and it is given nothing."""
    if n is not None and return_ is not None:
        raise TypeError("n= and return_= ask for the same: give one of them")
    asked = range(n) if isinstance(n, int) else return_ if n is None else n
    if asked is None:
        return None
    values: list[object] = list(asked)
    if not values:
        raise ValueError("no program would go on: give at least one value")
    return values


def _read(files: Iterable[str | os.PathLike[str]] | None) -> dict[str, bytes]:
    contents = {}
    for name in files or ():
        with open(name, "rb") as file:
            contents[os.fspath(name)] = file.read()
    return contents


def _write(contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        if folder := os.path.dirname(name):
            os.makedirs(folder, exist_ok=True)
        with open(name, "wb") as file:
            file.write(content)


def _refuse_unknown(others: dict[str, Any]) -> None:
    if unknown := others.keys() - _NO_EFFECT:
        raise TypeError(f"unexpected keyword argument {sorted(unknown)[0]!r}")


def _split_ssh(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Options, destination, and the commands that go before, which ssh joins by blanks."""
    options: list[str] = []
    at = 0
    while at < len(words) and words[at].startswith("-") and len(words[at]) > 1:
        size = 2 if words[at][-1] in _SSH_WITH_VALUE and len(words[at]) == 2 else 1
        # A tunnel to pyteleport's own port, which it puts there; there is none here.
        if not any("{port}" in word for word in words[at : at + size]):
            options += words[at : at + size]
        at += size
    if at >= len(words):
        raise UsageError("ssh without a host", 'give "ssh", HOST')
    rest = " ".join(words[at + 1 :])
    return options, words[at], [rest] if rest else []


def tp_shell(
    *shell_args: str,
    python: str = "python",
    before: str | Sequence[str] = "cd $(mktemp -d)",
    n: int | Iterable[object] | None = None,
    return_: Iterable[object] | None = None,
    files: Iterable[str | os.PathLike[str]] | None = None,
    **others: Any,
) -> Any:
    """Teleport into another shell: `tp_shell("ssh", "host")`, `tp_shell("bash", "-c")`.

    Args:
        shell_args: what starts the shell; what follows the host of ssh runs before python.
        python: the interpreter there; "python" stands for the version that runs here.
        before: shell commands to be run before it.
        n: so many programs go on there, or one for each of these values.
        return_: the same as values alone, by its newer name.
        files: paths of files that are put there too, under these names, before the return.

    Returns:
        Where `n` or `return_` is given, the number or the value that this program is one of;
        else None.

    Raises:
        OSError: a file of `files` cannot be read; the program goes on here.
        elsewhere.errors.Error: the program cannot go there; it goes on here.
    """
    values = _values(n, return_)
    spec = _spec(shell_args, python, before, others)
    contents = _read(files)
    value: object = None
    if values is None:
        _teleport(spec)
    else:
        value = _fork(spec, values)
        if _are_children(value):
            _end(_status_of(value))
    _write(contents)
    return value


tp_bash = tp_shell


def bash_teleport(
    *shell_args: str,
    python: str = "python",
    before: str | Sequence[str] = "cd $(mktemp -d)",
    **others: Any,
) -> None:
    """tp_shell in the first release: `bash_teleport("ssh", "host", "conda activate py39;")`."""
    _teleport(_spec(shell_args, python, before, others))


def tp_dummy(dry_run: bool = False, **kwargs: Any) -> Any:
    """Teleport into another process of this interpreter; returns as tp_shell does."""
    if dry_run:
        return None
    kwargs.setdefault("python", sys.executable)
    kwargs.setdefault("before", [])
    return tp_shell("bash", "-c", **kwargs)


def _are_children(found: Any) -> bool:
    """Is that the parent's side of a fork, and no child's value?"""
    return type(found) is list and bool(found) and type(found[0]).__name__ == "Child"


def _status_of(children: Any) -> int:
    return max((child.wait() for child in children), key=abs, default=0)


def _end(status: int) -> NoReturn:
    """The program is elsewhere: what is here ends without its exit handlers."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    if status < 0:
        os.kill(os.getpid(), -status)
    os._exit(abs(status))


def fork_shell(
    *shell_args: str,
    python: str = "python",
    before: str | Sequence[str] = "cd $(mktemp -d)",
    return_: Iterable[object] | None = None,
    files: Iterable[str | os.PathLike[str]] | None = None,
    **others: Any,
) -> Any:
    """Fork into another shell, once for each value of `return_`, and wait for the end there.

    Args:
        shell_args, python, before, files: as of `tp_shell`.

    Returns:
        Here: a subprocess.CompletedProcess. There: the value.

    Raises:
        subprocess.SubprocessError: a forked program failed.
        elsewhere.errors.Error: the program cannot go there.
    """
    values = _values(None, return_) or [None]
    spec = _spec(shell_args, python, before, others)
    contents = _read(files)
    children = _fork(spec, values)
    if not _are_children(children):
        _write(contents)
        return children
    status = _status_of(children)
    if status:
        raise subprocess.SubprocessError(f"Remote pyteleport process exited with code {status}")
    return subprocess.CompletedProcess(list(shell_args), status)


def dump(
    destination: str | os.PathLike[str] | IO[bytes], return_: object = None, **others: Any
) -> Any:
    """Write the running program into a file with which `python FILE` goes on.

    Args:
        destination: the file's path, or a binary file that is open.
        return_: what this call returns there.

    Returns:
        None here; `return_` in the program that goes on from the file.

    Raises:
        OSError: the file cannot be written.
        elsewhere.errors.Refused: a frame or an object cannot be kept; nothing was written.
    """
    _refuse_unknown(others)
    program = program_here()
    if program is None:
        return return_
    if not isinstance(destination, (str, os.PathLike)):
        destination.write(as_pyc(program))
    elif os.path.exists(destination) and not os.path.isfile(destination):  # a pipe, a device
        with open(destination, "wb") as file:
            file.write(as_pyc(program))
    else:
        write_private(os.path.realpath(destination), as_pyc(program))
    return None
