"""Gateways that belong together."""

from __future__ import annotations

import atexit
import os

from elsewhere._gateway.gateway import Gateway
from elsewhere._gateway.spec import XSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Group:
    """Gateways that end together: at the latest with this process."""

    def __init__(self) -> None:
        self._gateways: list[Gateway] = []
        self._count = 0
        self._process = os.getpid()
        atexit.register(self._at_exit)

    def __iter__(self) -> Iterator[Gateway]:
        return iter(list(self._gateways))

    def __len__(self) -> int:
        return len(self._gateways)

    def __contains__(self, key: object) -> bool:
        return any(key is gateway or key == gateway.id for gateway in self._gateways)

    def __getitem__(self, key: int | str) -> Gateway:
        if isinstance(key, int):
            return self._gateways[key]
        for gateway in self._gateways:
            if gateway.id == key:
                return gateway
        raise KeyError(key)

    def makegateway(self, spec: str | XSpec = "popen") -> Gateway:
        """Start or reach a Python interpreter.

        Args:
            spec: how to get there, e.g. "popen", "ssh=user@host//python=3.12".

        Raises:
            elsewhere.errors.UsageError: a spec that makes no sense.
            elsewhere.errors.Unreachable: the host cannot be reached.
            elsewhere.errors.Untrusted: the host or its key is not trusted.
            elsewhere.errors.Unsupported: there is no fitting Python.
        """
        if not isinstance(spec, XSpec):
            spec = XSpec(spec)
        name = spec.id or f"gw{self._count}"
        if name in self:
            raise ValueError(f"already have gateway with id {name!r}")
        self._count += 1
        gateway = Gateway(spec, name, self)
        self._gateways.append(gateway)
        return gateway

    def terminate(self, timeout: float | None = None) -> None:
        """End all gateways, in `timeout` seconds at most (10 if None). Never raises."""
        for gateway in self:
            gateway.close(10.0 if timeout is None else timeout)

    def _forget(self, gateway: Gateway) -> None:
        if gateway in self._gateways:
            self._gateways.remove(gateway)

    def _at_exit(self) -> None:
        if os.getpid() == self._process:
            self.terminate(1.0)


default_group = Group()
_of_moving_programs = Group()
makegateway: Callable[..., Gateway] = default_group.makegateway


def open_gateway(text: str, version: str) -> Gateway:
    """For a program that moves: a Python of its version, unless the spec names one."""
    spec = XSpec(text)
    if spec.python is None and not (spec.popen and not spec.before):
        spec = XSpec(f"{text}//python={version}")
    return _of_moving_programs.makegateway(spec)
