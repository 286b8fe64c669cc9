"""Where and how to get an interpreter: `key=value//key=value`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class XSpec:
    """`key=value//key=value`: attributes by name, None for those that are not there.

    Raises:
        AttributeError: a key begins with an underscore.
        ValueError: a key is given twice.
    """

    def __init__(self, string: str) -> None:
        self.__dict__.update(_spec=string, env={})
        for part in string.split("//"):
            key, given, value = part.partition("=")
            if key.startswith("_"):
                raise AttributeError(f"{part!r} in {string!r}: keys do not begin with _")
            if key.startswith("env:"):
                self.env[key[4:]] = value
                continue
            if key in self.__dict__:
                raise ValueError(f"duplicate key {key!r} in {string!r}")
            self.__dict__[key] = value if given else True

    env: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None

    def __repr__(self) -> str:
        return f"<XSpec {self._spec!r}>"

    def __str__(self) -> str:
        return str(self._spec)

    def __hash__(self) -> int:
        return hash(self._spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, XSpec) and self._spec == other._spec
