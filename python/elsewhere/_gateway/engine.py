"""The engine for the far end of a gateway: is there one that fits, and what is said of it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from elsewhere._gateway.spec import XSpec


class Offer:
    """What a HELLO says of an engine (spec/bootstrap.md).

    Attributes:
        terms: where the worker finds it, or under which hash.
        content: the bytes, for a worker that has it not.
    """

    def __init__(self, terms: dict[str, Any], content: Callable[[], bytes]) -> None:
        self.terms = terms
        self.content = content


def offer_of(spec: XSpec, facts: dict[str, Any], is_local: bool) -> Offer | None:
    """None: no engine fits, or the spec says `engine=no`."""
    from elsewhere._travel import luggage

    tag = facts.get("tag")
    refused = spec.engine == "no" or spec.thread is not None
    if refused or facts.get("implementation") != "cpython" or not tag:
        return None
    path = luggage.engine_path(tag)
    try:
        status = os.stat(path)
    except OSError:
        return None
    if is_local and not os.environ.get("ELSEWHERE_PUSH"):
        identity = [status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size]
        return Offer({"path": path, "identity": identity}, lambda: luggage.engine(tag))
    content = luggage.engine(tag)
    terms = {"name": luggage.name(content), "files": luggage.source("files")}
    return Offer(terms, lambda: content)
