"""`elsewhere exec`: a program that runs elsewhere from the start; this process is a pipe to it."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os

from elsewhere._travel.origin import (
    Far,
    call_porter,
    closed_streams,
    is_terminal,
    occupy_closed_streams,
    window_size,
)
from elsewhere.errors import InputOutputError, NotFound, Untrusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

# What the interpreter there executes: the program's text is at descriptor 251, its name argv[1].
_START = (
    "__import__('sys').argv.pop(0);"
    "exec(compile(open(251,'rb').read(),__import__('sys').argv[0],'exec'))"
)


def execute(told: dict[str, Any]) -> NoReturn:
    """Run `told["program"]` where `told["spec"]` says, and end as it ends.

    Raises:
        elsewhere.errors.Error: it was not started.
    """
    from elsewhere._gateway.group import of_programs

    if told["target"] == "command":
        source, arguments = b"", ["-c", told["program"], *told["arguments"]]
    else:
        source = _read(told["program"])
        arguments = ["-c", _START, told["program"], *told["arguments"]]
    occupy_closed_streams()
    gateway = of_programs.makegateway(told["spec"])
    try:
        far = Far(gateway, [is_terminal(number) for number in range(3)])
        far.channel = call_porter(gateway, "execute")
        far.channel.send(
            {
                "terminal": far.terminal,
                "closed": closed_streams(),
                "window": window_size(),
                "source": source,
                "arguments": arguments,
            }
        )
        far.await_ready()
    except BaseException:
        gateway.close(2.0)
        raise
    from elsewhere._travel.pipe import Pipe

    mask = _signal.pthread_sigmask(_signal.SIG_SETMASK, _signal.valid_signals())
    Pipe(far, mask).run()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise NotFound(f"there is no script {path}", "check its name; it is read here") from None
    except PermissionError:
        raise Untrusted(f"cannot read {path}", "make it readable") from None
    except OSError as error:
        message = f"cannot read {path}: {os.strerror(error.errno or 0)}"
        raise InputOutputError(message, "") from error
