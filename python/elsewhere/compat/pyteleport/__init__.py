"""pyteleport's teleports, on elsewhere: `from elsewhere.compat.pyteleport import tp_bash`.

Source of the interface: pyteleport 0.3.4, its releases before that for `n=`, `snapshot.dump` and
`snapshot.load`, and for `bash_teleport` its first. What names pyteleport's own way of reading and
packing a program (`stack_method`, `pack_object`, `unpack_object`, `pyc_fn`, `pack_file`,
`object_storage_protocol`, delimiters) is accepted and has no effect.
"""

from __future__ import annotations

from elsewhere.compat.pyteleport.teleport import (
    bash_teleport,
    dump,
    fork_shell,
    tp_bash,
    tp_dummy,
    tp_shell,
)

__all__ = ["bash_teleport", "dump", "fork_shell", "tp_bash", "tp_dummy", "tp_shell"]
