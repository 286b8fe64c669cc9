"""Gateways and channels: execnet's names and semantics on the native link."""

from __future__ import annotations

from elsewhere._gateway.channel import Channel
from elsewhere._gateway.gateway import Gateway
from elsewhere._gateway.group import (
    Group,
    default_group,
    makegateway,
    open_gateway,
    set_execmodel,
)
from elsewhere._gateway.multi import MultiChannel
from elsewhere._gateway.rsync import RSync
from elsewhere._gateway.spec import XSpec
from elsewhere._gateway.values import dump, dumps, load, loads
from elsewhere.errors import DataFormatError, DumpError, LoadError, RemoteError
from elsewhere.errors import Timeout as TimeoutError
from elsewhere.errors import Unreachable as HostNotFound

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
    "set_execmodel",
]
