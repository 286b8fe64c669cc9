"""execnet's API, on elsewhere: `from elsewhere.compat import execnet`.

`elsewhere.compat.install("execnet")` makes `import execnet` find this, in this process;
`pytest -p elsewhere.compat.pytest_execnet` does so for pytest-xdist. Beyond `elsewhere`'s own
names, which are execnet's, here are those of its modules that other packages import, and its
format of `dumps`.
"""

from __future__ import annotations

from elsewhere.compat.execnet import gateway_io, rsync
from elsewhere.compat.execnet.gateway import Gateway
from elsewhere.compat.execnet.gateway_base import (
    Channel,
    DataFormatError,
    DumpError,
    LoadError,
    RemoteError,
    TimeoutError,
    dump,
    dumps,
    load,
    loads,
)
from elsewhere.compat.execnet.gateway_bootstrap import HostNotFound
from elsewhere.compat.execnet.multi import (
    Group,
    MultiChannel,
    default_group,
    makegateway,
    set_execmodel,
)
from elsewhere.compat.execnet.rsync import RSync
from elsewhere.compat.execnet.xspec import XSpec

__version__ = "2.1.2"  # whose names these are
__all__ = [
    "Channel",
    "DataFormatError",
    "DumpError",
    "Gateway",
    "Group",
    "HostNotFound",
    "LoadError",
    "MultiChannel",
    "RSync",
    "RemoteError",
    "TimeoutError",
    "XSpec",
    "__version__",
    "default_group",
    "dump",
    "dumps",
    "gateway_io",
    "load",
    "loads",
    "makegateway",
    "rsync",
    "set_execmodel",
]
