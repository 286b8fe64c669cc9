"""Processes that the program has forked. It waits for them by their numbers, and in another process
they are no children of it.
"""

from __future__ import annotations

import os
import sys

from elsewhere import _state
from elsewhere.errors import Refused


def refuse_children() -> None:
    """Raises Refused if there is a child that the program has forked and not waited for."""
    if not _state.has_forked:
        return
    if left := _children() - _of_multiprocessing():
        raise Refused(
            f"the program has forked a process, {min(left)}, and not waited for it",
            "wait for it (os.waitpid) before suspending",
        )
    _state.has_forked = False


def _children() -> set[int]:
    """Running, or ended and not waited for; none where the kernel does not tell."""
    found: set[int] = set()
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/children") as file:
                found.update(map(int, file.read().split()))
        except OSError:
            continue  # the thread has ended, or the kernel has no such file
    return found


def _of_multiprocessing() -> set[int]:
    """Those that it starts for itself, and those that have an object to say what is the matter."""
    found = set()
    for module, name in (("resource_tracker", "_resource_tracker"), ("forkserver", "_forkserver")):
        helper = getattr(sys.modules.get(f"multiprocessing.{module}"), name, None)
        for attribute in ("_pid", "_forkserver_pid"):
            found.add(getattr(helper, attribute, None))
    processes = getattr(sys.modules.get("multiprocessing.process"), "_children", ())
    found.update(process.pid for process in processes)
    return {pid for pid in found if pid is not None}
