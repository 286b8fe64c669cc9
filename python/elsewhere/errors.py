"""The exceptions that elsewhere raises.

One class per kind of error, named by what the caller does next; each also derives from the
builtin exception that a caller without knowledge of elsewhere would catch.
"""

from __future__ import annotations

import sys


class Error(Exception):
    """Base of all of elsewhere's exceptions.

    Attributes:
        hint: what to do about it, one sentence; may be empty.
        exit_code: the exit code of the command line for this kind of error.
    """

    exit_code: int = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} (hint: {self.hint})" if self.hint else self.message


class UsageError(Error, ValueError):
    """An argument or a command line that makes no sense."""

    exit_code = 2


class RemoteFailure(Error, RuntimeError):
    """The program at the far side failed."""

    exit_code = 1


class Refused(Error, RuntimeError):
    """A frame or an object that cannot be kept; nothing was changed."""

    exit_code = 64


class Damaged(Error, ValueError):
    """A snapshot whose bytes are not what was written."""

    exit_code = 65


class NotFound(Error, FileNotFoundError):
    """No such snapshot, script or process."""

    exit_code = 66


class Unreachable(Error, ConnectionError):
    """A host that cannot be reached."""

    exit_code = 69


class Disconnected(Error, ConnectionError):
    """A link that was lost."""

    exit_code = 69


class InternalError(Error, RuntimeError):
    """A defect of elsewhere itself."""

    exit_code = 70


class CannotWrite(Error, OSError):
    """A snapshot could not be written; an earlier one at the same path is untouched."""

    exit_code = 73


class InputOutputError(Error, OSError):
    """A file that the program had open cannot be opened again as it was."""

    exit_code = 74


class Timeout(Error, TimeoutError):
    """Something did not happen in the time given."""

    exit_code = 75


class ProtocolError(Error, RuntimeError):
    """The peer does not speak our protocol."""

    exit_code = 76


class Untrusted(Error, PermissionError):
    """Not permitted, or signed by nobody we trust."""

    exit_code = 77


class Unsupported(Error, RuntimeError):
    """Not on this Python or platform."""

    exit_code = 78


class DataFormatError(Error, ValueError):
    """A value and its bytes do not fit each other."""

    exit_code = 64


class DumpError(DataFormatError):
    """A value that cannot be sent over a channel: it is not of exact builtin types."""


class LoadError(DataFormatError):
    """Bytes that are no value."""


class RemoteError(Error):
    """An exception ended the code at the other end of a channel.

    Attributes:
        formatted: its traceback, as text.
    """

    def __init__(self, formatted: str) -> None:
        super().__init__(formatted)
        self.formatted = formatted

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.formatted}"

    def warn(self) -> None:
        """Say on stderr that nobody has asked for this error."""
        if self.formatted != "keyboard-interrupted" and sys.stderr is not None:
            sys.stderr.write(f"Warning: unhandled {self!r}\n")


class ConnectionLost(Disconnected, EOFError):
    """Nothing more can come over a channel: the connection was lost."""
