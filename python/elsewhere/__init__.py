"""Run Python anywhere, and move it while it runs."""

from __future__ import annotations

from elsewhere._moving import fork, parent, resume, snapshot, suspend, teleport

TYPE_CHECKING = False  # importing typing would cost more than all else at a start
if TYPE_CHECKING:
    from elsewhere._gateway import (
        Channel,
        DumpError,
        Gateway,
        Group,
        RemoteError,
        TimeoutError,
        XSpec,
        default_group,
        makegateway,
    )

__version__ = "0.1.0"
__all__ = [
    "Channel",
    "DumpError",
    "Gateway",
    "Group",
    "RemoteError",
    "TimeoutError",
    "XSpec",
    "default_group",
    "fork",
    "makegateway",
    "parent",
    "resume",
    "snapshot",
    "suspend",
    "teleport",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # A program that only sleeps and wakes never imports what gateways need.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from elsewhere import _gateway

        return getattr(_gateway, name)
