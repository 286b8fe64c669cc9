"""Gateways and channels: execnet's names and semantics on the native link."""

from __future__ import annotations

from elsewhere._elsewhere import dumps, loads
from elsewhere._gateway.channel import Channel, RemoteError
from elsewhere._gateway.gateway import Gateway
from elsewhere._gateway.group import Group, default_group, makegateway, open_gateway
from elsewhere._gateway.spec import XSpec
from elsewhere.errors import DumpError
from elsewhere.errors import Timeout as TimeoutError

__all__ = [
    "Channel",
    "DumpError",
    "Gateway",
    "Group",
    "RemoteError",
    "TimeoutError",
    "XSpec",
    "default_group",
    "dumps",
    "loads",
    "makegateway",
    "open_gateway",
]
