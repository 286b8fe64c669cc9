"""Gateways and channels: execnet's names and semantics on the native link."""

from __future__ import annotations

from elsewhere._gateway.channel import Channel
from elsewhere._gateway.gateway import Gateway
from elsewhere._gateway.group import (
    Group,
    default_group,
    makegateway,
    open_gateway,
    prestart,
    set_execmodel,
)
from elsewhere._gateway.multi import MultiChannel
from elsewhere._gateway.spec import XSpec
from elsewhere._gateway.values import dump, dumps, load, loads
from elsewhere.errors import DataFormatError, DumpError, LoadError, RemoteError
from elsewhere.errors import Timeout as TimeoutError
from elsewhere.errors import Unreachable as HostNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from elsewhere._gateway.rsync import RSync

__all__ = [
    "Channel",
    "DataFormatError",
    "DumpError",
    "Gateway",
    "Group",
    "HostNotFound",
    "LoadError",
    "MultiChannel",
    "RSync",
    "RemoteError",
    "TimeoutError",
    "XSpec",
    "default_group",
    "dump",
    "dumps",
    "load",
    "loads",
    "makegateway",
    "open_gateway",
    "prestart",
    "set_execmodel",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "RSync":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # hashlib and queue, which it needs, take milliseconds to import.
        from elsewhere._gateway.rsync import RSync

        return RSync
