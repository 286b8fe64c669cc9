"""Values and their bytes, outside of channels."""

from __future__ import annotations

from elsewhere import _elsewhere
from elsewhere._elsewhere import dumps
from elsewhere.errors import LoadError, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

__all__ = ["dump", "dumps", "load", "loads"]


def loads(data: bytes) -> Any:
    """The value that bytes stand for. Safe on bytes of anyone.

    Raises:
        LoadError: they are those of no value.
    """
    try:
        return _elsewhere.loads(data)
    except ProtocolError as error:
        raise LoadError(error.message, error.hint) from None


def dump(file: IO[bytes], value: object) -> None:
    """Write the bytes of a value of exact builtin types.

    Raises:
        DumpError: it is, or has in it, something else.
    """
    file.write(dumps(value))


def load(file: IO[bytes]) -> Any:
    """The value that a file holds, from where it stands to its end.

    Raises:
        LoadError: it does not hold one.
    """
    return loads(file.read())
