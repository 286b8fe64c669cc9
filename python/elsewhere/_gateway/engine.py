"""The engine for the far end of a gateway: is there one that fits, and what is said of it."""

from __future__ import annotations

import os

from elsewhere.errors import Unsupported

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


def offer_of(spec: XSpec, facts: dict[str, Any], is_local: bool, is_whole: bool) -> Offer | None:
    """None: no engine fits, or the spec says `engine=no`. The whole is for where a program moves,
    for it is needed there in any case."""
    from elsewhere._travel import luggage

    tag = facts.get("tag")
    refused = spec.engine == "no" or spec.thread is not None
    if refused or facts.get("implementation") != "cpython" or not tag:
        return None
    path = _path_of(tag, is_whole)
    try:
        status = os.stat(path)
    except OSError:
        return None
    if is_local and not os.environ.get("ELSEWHERE_PUSH"):
        identity = [status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size]
        terms: dict[str, Any] = {"path": path, "identity": identity}
    else:
        files = luggage.part("files", facts["magic"])
        terms = {"name": luggage.engine_name(path), "files": files}
    return Offer({**terms, "tag": tag}, lambda: luggage.engine(path))


def _path_of(tag: str, is_whole: bool) -> str:
    from elsewhere._travel import luggage

    return luggage.engine_path(tag) if is_whole else luggage.link_path(tag)


def facts_here() -> dict[str, Any]:
    """What offer_of() asks of a worker, of a Python like this one."""
    from _frozen_importlib_external import MAGIC_NUMBER

    from elsewhere import _program

    return {"implementation": "cpython", "magic": MAGIC_NUMBER, "tag": _program.tag()}


def prepare(spec: XSpec, is_local: bool, is_whole: bool) -> None:
    """Do what offer_of() takes longest for, if it is a Python like this one that will be there."""
    if spec.engine == "no" or (is_local and not os.environ.get("ELSEWHERE_PUSH")):
        return
    from elsewhere._travel import luggage

    here = facts_here()
    luggage.part("files", here["magic"])
    try:  # noqa: SIM105  # contextlib imports much
        luggage.engine_name(_path_of(here["tag"], is_whole))
    except Unsupported:
        pass  # offer_of() sees to that


def warm_engine(spec: XSpec) -> str | None:
    """Where a zygote finds its engine, `{tag}` standing for what depends on its Python. None: an
    interpreter of this spec is not to be forked."""
    from elsewhere._travel import luggage

    if not spec.popen or spec.via is not None or spec.warm == "no" or luggage.folder() is None:
        return None
    return luggage.link_path("{tag}")
