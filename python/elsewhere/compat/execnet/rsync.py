"""execnet.rsync."""

from __future__ import annotations

from elsewhere._gateway.rsync import RSync

__all__ = ["RSync"]
