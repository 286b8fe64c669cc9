"""Run Python anywhere, and move it while it runs."""

from __future__ import annotations

from elsewhere._moving import resume, snapshot, suspend

__version__ = "0.1.0"
__all__ = ["resume", "snapshot", "suspend"]
