"""execnet.multi."""

from __future__ import annotations

from elsewhere._gateway.channel import NO_ENDMARKER_WANTED
from elsewhere._gateway.group import Group as _Group
from elsewhere._gateway.multi import MultiChannel
from elsewhere.compat.execnet._pool import WorkerPool
from elsewhere.compat.execnet.gateway import Gateway
from elsewhere.compat.execnet.gateway_bootstrap import HostNotFound
from elsewhere.errors import Untrusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from elsewhere._gateway.execmodel import ExecModel
    from elsewhere._gateway.spec import XSpec

__all__ = [
    "NO_ENDMARKER_WANTED",
    "Group",
    "MultiChannel",
    "default_group",
    "makegateway",
    "safe_terminate",
    "set_execmodel",
]


class Group(_Group):
    """See elsewhere.Group. Specs may have unknown keys; a host that refuses is HostNotFound."""

    _gateway_type = Gateway
    _shows_output = False

    def _make(
        self, spec: str | XSpec | None, stdout: Any, stderr: Any, occasion: int = 0
    ) -> Gateway:
        try:
            return super()._make(spec, stdout, stderr, occasion)
        except Untrusted as error:
            raise HostNotFound(error.message, error.hint) from error


def safe_terminate(
    execmodel: ExecModel,
    timeout: float | None,
    list_of_paired_functions: Iterable[tuple[Callable[[], object], Callable[[], object]]],
) -> None:
    """Call the first of each pair, all at once; and the second, if that takes too long."""
    pool = WorkerPool(execmodel)

    def end(terminate: Callable[[], object], kill: Callable[[], object]) -> None:
        try:
            pool.spawn(terminate).get(timeout=timeout)
        except OSError:
            kill()

    for reply in [pool.spawn(end, *pair) for pair in list_of_paired_functions]:
        reply.get()
    pool.waitall(timeout=timeout)


default_group = Group()
makegateway = default_group.makegateway
set_execmodel = default_group.set_execmodel
