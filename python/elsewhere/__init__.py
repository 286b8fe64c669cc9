"""Run Python anywhere, and move it while it runs."""

from elsewhere._moving import check, fork, parent, resume, snapshot, suspend, teleport

TYPE_CHECKING = False  # importing typing would cost more than all else at a start
if TYPE_CHECKING:
    from elsewhere._freezing import Report, explain, freeze, thaw
    from elsewhere._gateway import (
        Channel,
        DataFormatError,
        DumpError,
        Gateway,
        Group,
        HostNotFound,
        LoadError,
        MultiChannel,
        RemoteError,
        RSync,
        TimeoutError,
        XSpec,
        default_group,
        dump,
        dumps,
        load,
        loads,
        makegateway,
        prestart,
        set_execmodel,
    )
    from elsewhere._gateway.executor import Executor

__version__ = "0.1.0"
__all__ = [
    "Channel",
    "DataFormatError",
    "DumpError",
    "Executor",
    "Gateway",
    "Group",
    "HostNotFound",
    "LoadError",
    "MultiChannel",
    "RSync",
    "RemoteError",
    "Report",
    "TimeoutError",
    "XSpec",
    "check",
    "default_group",
    "dump",
    "dumps",
    "explain",
    "fork",
    "freeze",
    "load",
    "loads",
    "makegateway",
    "parent",
    "prestart",
    "resume",
    "set_execmodel",
    "snapshot",
    "suspend",
    "teleport",
    "thaw",
]


if not TYPE_CHECKING:

    def makegateway(spec=None, *, stdout=None, stderr=None):
        """Start or reach a Python interpreter, in the default group: see Group.makegateway."""

        from elsewhere import _elsewhere

        def make():
            from elsewhere import _gateway  # takes as long as half the way there

            return _gateway.makegateway(spec, stdout=stdout, stderr=stderr)

        return _elsewhere.with_head_start(spec, make)

    def __getattr__(name: str) -> object:
        # A program that only sleeps and wakes never imports what gateways need.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name == "Executor":
            from elsewhere._gateway.executor import Executor

            return Executor
        if name in ("Report", "explain", "freeze", "thaw"):
            from elsewhere import _freezing

            return getattr(_freezing, name)
        from elsewhere import _gateway

        return getattr(_gateway, name)
