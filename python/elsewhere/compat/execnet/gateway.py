"""execnet.gateway."""

from __future__ import annotations

import os
import sys

import elsewhere
from elsewhere._elsewhere import is_spec_key
from elsewhere._gateway.gateway import Gateway as _Gateway
from elsewhere._gateway.gateway import RInfo
from elsewhere._sources import source_of
from elsewhere.compat.execnet._channels import Channel, ChannelFactory
from elsewhere.compat.execnet._messages import trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FunctionType

    from elsewhere._gateway.group import Group
    from elsewhere._gateway.spec import XSpec

__all__ = ["Gateway", "RInfo", "RemoteStatus", "rinfo_source"]

RemoteStatus = RInfo


class Gateway(_Gateway):
    """See elsewhere.Gateway."""

    _channel_type = Channel
    _is_fresh = False

    def __init__(self, spec: XSpec, group: Group, occasion: int = 0) -> None:
        super().__init__(spec, group, occasion)
        same = spec.popen and spec.python in (None, sys.executable)
        folder = os.path.dirname(os.path.dirname(os.path.abspath(elsewhere.__file__)))
        try:
            channel = self._execute(_MOVE_IN, None, {})
            channel.send(folder if same else None)
            channel.waitclose()
        except BaseException:
            self.close(1.0)
            raise

    def _way(self, spec: XSpec) -> str:
        # execnet lets a spec have any key.
        return spec._as_text(is_spec_key)

    @property
    def remoteaddress(self) -> str:
        """How the spec calls the host.

        Raises:
            AttributeError: it is this one.
        """
        address = self.spec.ssh or self.spec.socket
        if address is None:
            raise AttributeError(f"{self!r} has no remoteaddress")
        return str(address)

    @property
    def _channelfactory(self) -> ChannelFactory:
        return ChannelFactory(self)

    @property
    def _cache_rinfo(self) -> RInfo | None:
        return self._info

    @_cache_rinfo.setter
    def _cache_rinfo(self, info: RInfo) -> None:
        self._info = info

    def _trace(self, *msg: object) -> None:
        trace(self.id, *msg)


# As with execnet, what code there prints goes nowhere, and it can import execnet, if this can.
_MOVE_IN = """
import os, sys
try:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
except (AttributeError, OSError):
    pass
folder = channel.receive()
if folder:
    class DropIn(object):
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "execnet":
                from importlib.util import spec_from_loader
                return spec_from_loader(name, DropIn)
        @staticmethod
        def create_module(spec):
            if folder not in sys.path:
                sys.path.append(folder)
            from elsewhere.compat import install
            install("execnet")
            return sys.modules["execnet"]
        @staticmethod
        def exec_module(module):
            pass
    sys.meta_path.append(DropIn)
"""


def rinfo_source(channel):  # type: ignore[no-untyped-def]
    import os
    import sys

    channel.send(
        dict(
            executable=sys.executable,
            version_info=sys.version_info[:5],
            platform=sys.platform,
            cwd=os.getcwd(),
            pid=os.getpid(),
        )
    )


def _find_non_builtin_globals(source: str, codeobj: CodeType) -> list[str]:
    """The names that a text uses, which neither its code object nor Python has."""
    import ast
    import builtins

    names = [node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    return [
        name for name in names if name not in codeobj.co_varnames and not hasattr(builtins, name)
    ]


def _source_of_function(function: FunctionType) -> str:
    """What remote_exec would send.

    Raises:
        ValueError: the function needs more than its own text.
    """
    return source_of(function, {})[0]
