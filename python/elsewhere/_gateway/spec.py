"""Where and how to get an interpreter: `key=value//key=value`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class XSpec:
    """`key=value//key=value`: attributes by name, None for those that are not there.

    A key without `=value` is True, `env:NAME=value` goes to the dict `env`. Attributes may be set
    later; equality and hash are those of the text that it was made from.

    Raises:
        AttributeError: a key begins with an underscore.
        ValueError: a key is given twice.
    """

    env: dict[str, str]
    _spec: str

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

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None

    def __repr__(self) -> str:
        return f"<XSpec {self._spec!r}>"

    def __str__(self) -> str:
        return self._spec

    def __hash__(self) -> int:
        return hash(self._spec)

    def __eq__(self, other: object) -> bool:
        return self._spec == getattr(other, "_spec", None)

    def _samefilesystem(self) -> bool:
        return self.popen is not None and self.chdir is None

    def _as_text(self, wanted: Callable[[str], bool] = bool) -> str:
        """The spec as it is now, with what was set since: the keys that are wanted."""
        parts = []
        for key, value in self.__dict__.items():
            if key.startswith("_") or key == "env" or value is None or value is False:
                continue
            if not wanted(key):
                continue
            parts.append(key if value is True else f"{key}={value}")
        return "//".join(parts + [f"env:{key}={value}" for key, value in self.env.items()])
