"""Run Python anywhere, and move it while it runs."""

from __future__ import annotations

__version__ = "0.1.0"
