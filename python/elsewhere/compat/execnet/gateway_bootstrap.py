"""execnet.gateway_bootstrap."""

from __future__ import annotations

from elsewhere.errors import Unreachable as HostNotFound

__all__ = ["HostNotFound"]
