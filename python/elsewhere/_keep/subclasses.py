"""A type with all that is derived from it: the table of reducers knows exact types only."""

from __future__ import annotations


def with_subclasses(kind: type) -> set[type]:
    found = {kind}
    subclasses: list[type] = type.__subclasses__(kind)
    for subclass in subclasses:
        found |= with_subclasses(subclass)
    return found


def silent_subclasses(kind: type) -> set[type]:
    """It, and what is derived from it but for what says itself how it is kept."""
    asked = ("__reduce__", "__reduce_ex__")
    return {
        c for c in with_subclasses(kind) if all(getattr(c, n) is getattr(kind, n) for n in asked)
    }
