"""execnet.xspec."""

from __future__ import annotations

from elsewhere._gateway.spec import XSpec

__all__ = ["XSpec"]
