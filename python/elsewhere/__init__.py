"""Run Python anywhere, and move it while it runs."""

from __future__ import annotations

from elsewhere._moving import fork, parent, resume, snapshot, suspend, teleport

__version__ = "0.1.0"
__all__ = ["fork", "parent", "resume", "snapshot", "suspend", "teleport"]
