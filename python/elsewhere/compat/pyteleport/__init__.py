"""pyteleport's teleports, on elsewhere: `from elsewhere.compat.pyteleport import tp_bash`.

Source of the interface: pyteleport 0.3 and, for `bash_teleport`, its first release. What names
pyteleport's own way of reading and packing a program (`stack_method`, `pack_object`,
`unpack_object`, `pyc_fn`, `pack_file`, `object_storage_protocol`, delimiters) is accepted and has
no effect. `dump` and `load` are in `elsewhere.compat.pyteleport.snapshot`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

from elsewhere._elsewhere import fork as _fork
from elsewhere._elsewhere import teleport as _teleport
from elsewhere.errors import Unsupported, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NoReturn

__all__ = ["bash_teleport", "fork_shell", "tp_bash", "tp_dummy", "tp_shell"]

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
    if others.pop("files", None):
        raise Unsupported("files= is not supported", "open them where they are, or send their text")
    if unknown := others.keys() - _NO_EFFECT:
        raise TypeError(f"unexpected keyword argument {sorted(unknown)[0]!r}")
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


def _split_ssh(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Options, destination, and the commands that go before, which ssh joins by blanks."""
    at = 0
    while at < len(words) and words[at].startswith("-") and len(words[at]) > 1:
        at += 2 if words[at][-1] in _SSH_WITH_VALUE and len(words[at]) == 2 else 1
    if at >= len(words):
        raise UsageError("ssh without a host", 'give "ssh", HOST')
    rest = " ".join(words[at + 1 :])
    return words[:at], words[at], [rest] if rest else []


def tp_shell(
    *shell_args: str,
    python: str = "python",
    before: str | Sequence[str] = "cd $(mktemp -d)",
    n: int | Iterable[object] | None = None,
    **others: Any,
) -> Any:
    """Teleport into another shell: `tp_shell("ssh", "host")`, `tp_shell("bash", "-c")`.

    Args:
        shell_args: what starts the shell; what follows the host of ssh runs before python.
        python: the interpreter there; "python" stands for the version that runs here.
        before: shell commands to be run before it.
        n: so many programs go on there, or one for each of these values.

    Returns:
        Where `n` is given, the number or the value that this program is one of; else None.

    Raises:
        elsewhere.errors.Error: the program cannot go there; it goes on here.
    """
    spec = _spec(shell_args, python, before, others)
    if n is None:
        return _teleport(spec)
    children = _fork(spec, list(range(n) if isinstance(n, int) else n))
    if not _are_children(children):
        return children
    _end(_status_of(children))


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
    **others: Any,
) -> Any:
    """Fork into another shell, once for each value of `return_`, and wait for the end there.

    Returns:
        Here: a subprocess.CompletedProcess. There: the value.

    Raises:
        subprocess.SubprocessError: a forked program failed.
        elsewhere.errors.Error: the program cannot go there.
    """
    spec = _spec(shell_args, python, before, others)
    values = [None] if return_ is None else list(return_)
    children = _fork(spec, values)
    if not _are_children(children):
        return children
    status = _status_of(children)
    if status:
        raise subprocess.SubprocessError(f"Remote pyteleport process exited with code {status}")
    return subprocess.CompletedProcess(list(shell_args), status)
