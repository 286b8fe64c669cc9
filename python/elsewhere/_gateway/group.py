"""Gateways that belong together."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # signal itself imports much
import atexit
import itertools
import os
import sys
import time
from _thread import allocate_lock
from types import FunctionType, ModuleType

from elsewhere import _elsewhere
from elsewhere._gateway.engine import warm_engine
from elsewhere._gateway.gateway import Gateway, _known_facts
from elsewhere._gateway.spec import XSpec
from elsewhere.errors import Error, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from elsewhere._gateway.execmodel import ExecModel
    from elsewhere._gateway.multi import MultiChannel

# The last of what happens to gateways at exit: threads that still wait for one leave.
atexit.register(_elsewhere.settle, 1.0)

_occasions = itertools.count(1)  # on each, gateways are asked for at once


class Group:
    """Gateways that end together: at the latest with this process.

    Args:
        xspecs: of which to make gateways at once.
        execmodel: "thread" or "main_thread_only", for gateways whose spec does not say.
        stdout, stderr: where what is printed there goes, of gateways that do not say: see
            Gateway.stderr.
    """

    defaultspec = "popen"
    _gateway_type = Gateway
    _shows_output = True  # on a terminal of ours, what nobody has asked for

    def __init__(
        self,
        xspecs: Iterable[XSpec | str] = (),
        execmodel: str = "thread",
        *,
        stdout: Any = None,
        stderr: Any = None,
    ) -> None:
        self._gateways: list[Gateway] = []
        self._ending: list[Gateway] = []
        self._count = 0
        self._lock = allocate_lock()
        self._process = os.getpid()
        self._names = [execmodel, execmodel]
        if execmodel != "thread":
            self.set_execmodel(execmodel)
        self._targets: dict[str, object] = {}
        atexit.register(self._cleanup_atexit)
        self.stdout, self.stderr = stdout, stderr
        self.makegateways(xspecs)

    def __repr__(self) -> str:
        return f"<Group {[gateway.id for gateway in self]!r}>"

    def __iter__(self) -> Iterator[Gateway]:
        return iter(list(self._gateways))

    def __len__(self) -> int:
        return len(self._gateways)

    def __contains__(self, key: object) -> bool:
        return any(key is gateway or key == gateway.id for gateway in self)

    def __getitem__(self, key: int | str | Gateway) -> Gateway:
        if isinstance(key, int):
            return self._gateways[key]
        for gateway in self:
            if gateway is key or gateway.id == key:
                return gateway
        raise KeyError(key)

    def _named(self, name: str, key: str) -> Gateway:
        """The one that a spec's `via=` or `installvia=` names, else one of the default group."""
        try:
            return self[str(name)] if name in self else default_group[str(name)]
        except KeyError:
            raise UsageError(
                f"{key}={name}: there is no gateway {name!r} in this group",
                "make that one first, with //id=" + str(name),
            ) from None

    # --- execution models --------------------------------------------------------------------

    @property
    def execmodel(self) -> ExecModel:
        """Of this end."""
        from elsewhere._gateway.execmodel import get_execmodel

        return get_execmodel(self._names[0])

    @property
    def remote_execmodel(self) -> ExecModel:
        """Of interpreters whose spec does not say."""
        from elsewhere._gateway.execmodel import get_execmodel

        return get_execmodel(self._names[1])

    def set_execmodel(self, execmodel: str, remote_execmodel: str | None = None) -> None:
        """Set the execution model of gateways to come.

        Raises:
            ValueError: there is no such model, or there are gateways already.
        """
        from elsewhere._gateway.execmodel import get_execmodel

        if self._gateways:
            raise ValueError("execution models are set before the first gateway is made")
        names = [execmodel, execmodel if remote_execmodel is None else remote_execmodel]
        self._names = [get_execmodel(name).backend for name in names]

    # --- what is printed there ---------------------------------------------------------------

    @property
    def stdout(self) -> Any:
        """Where what its gateways write to stdout goes, of those that do not say themselves."""
        return self._targets.get("stdout")

    @stdout.setter
    def stdout(self, target: Any) -> None:
        self._set_target("stdout", target)

    @property
    def stderr(self) -> Any:
        """As stdout; see Gateway.stderr."""
        return self._targets.get("stderr")

    @stderr.setter
    def stderr(self, target: Any) -> None:
        self._set_target("stderr", target)

    def _set_target(self, name: str, target: object) -> None:
        if target is not None:
            from elsewhere._gateway.output import check_target

            check_target(target, name)
        self._targets[name] = target
        for gateway in self if target is not None else ():
            gateway._tell_output_apart(wait=True)

    # --- making gateways ---------------------------------------------------------------------

    def makegateway(
        self, spec: str | XSpec | None = None, *, stdout: Any = None, stderr: Any = None
    ) -> Gateway:
        """Start or reach a Python interpreter.

        Args:
            spec: how to get there, e.g. "popen", "ssh=user@host//python=3.12"; without it,
                `defaultspec`.
            stdout, stderr: where what is printed there goes: see Gateway.stderr.

        Raises:
            elsewhere.errors.UsageError: a spec that makes no sense.
            elsewhere.errors.Unreachable: the host cannot be reached.
            elsewhere.errors.Untrusted: the host or its key is not trusted.
            elsewhere.errors.Unsupported: there is no fitting Python.
        """
        return self._make(spec, stdout, stderr)

    def _make(
        self, spec: str | XSpec | None, stdout: Any, stderr: Any, occasion: int = 0
    ) -> Gateway:
        spec = self._prepared(spec)
        gateway = self._gateway_type(spec, self, occasion)
        self._register(gateway)
        self._connect_output(gateway, stdout, stderr)
        return gateway

    def makegateways(
        self, specs: Iterable[str | XSpec], *, stdout: Any = None, stderr: Any = None
    ) -> list[Gateway]:
        """Start or reach many interpreters at the same time; in the group they are in this order.

        Several `popen` ones of the same Python are forked from one; at most eight connections to
        one host are begun at once.

        Args:
            specs: as for makegateway(). One with `via=` may name another of them.
            stdout, stderr: as for makegateway(), of each.

        Raises:
            elsewhere.errors.Error: as makegateway(), with the spec and the reason of each that
                failed. None of them is left then.
        """
        wanted = [spec if isinstance(spec, XSpec) else XSpec(spec) for spec in specs]
        if len(wanted) < 2:
            return [self.makegateway(spec, stdout=stdout, stderr=stderr) for spec in wanted]
        for spec in wanted:
            self.allocate_id(spec)
        ids = [str(spec.id) for spec in wanted]
        for name in ids:
            if name in self or ids.count(name) > 1:
                raise ValueError(f"already have gateway with id {name!r}")
        from elsewhere._gateway.parallel import make_all

        _prestart_for(wanted)
        occasion = next(_occasions)
        made = make_all(wanted, lambda spec: self._make(spec, stdout, stderr, occasion))
        with self._lock:  # they have come as they were ready
            self._gateways = [one for one in self._gateways if one not in made]
            self._gateways += made
        return made

    def _connect_output(self, gateway: Gateway, stdout: Any, stderr: Any) -> None:
        if stdout is not None:
            gateway.stdout = stdout
        if stderr is not None:
            gateway.stderr = stderr
        wanted = any(target is not None for target in self._targets.values())
        if wanted or (self._shows_output and (_is_terminal(1) or _is_terminal(2))):
            gateway._tell_output_apart(wait=not gateway._is_fresh)

    def _prepared(self, spec: str | XSpec | None) -> XSpec:
        """A spec with an id that is free here, and an execution model."""
        spec = spec or self.defaultspec
        if not isinstance(spec, XSpec):
            spec = XSpec(spec)
        self.allocate_id(spec)
        if spec.id in self:
            raise ValueError(f"already have gateway with id {spec.id!r}")
        if spec.execmodel is None:
            spec.execmodel = self._names[1]
        self._reap()
        return spec

    def allocate_id(self, spec: XSpec) -> None:
        """Give a spec without an id the next free one."""
        with self._lock:
            while spec.id is None:
                name = f"gw{self._count}"
                self._count += 1
                if name not in self:
                    spec.id = name

    def _register(self, gateway: Gateway) -> None:
        self._gateways.append(gateway)

    def _unregister(self, gateway: Gateway) -> None:
        with self._lock:
            if gateway in self._gateways:
                self._gateways.remove(gateway)
                self._ending.append(gateway)

    def _ended(self, gateway: Gateway) -> None:
        with self._lock:
            if gateway in self._ending:
                self._ending.remove(gateway)

    # --- all of them -------------------------------------------------------------------------

    def remote_exec(
        self, source: str | FunctionType | ModuleType, **kwargs: object
    ) -> MultiChannel:
        """Execute code on all gateways; see Gateway.remote_exec."""
        from elsewhere._gateway.multi import MultiChannel

        return MultiChannel([gateway.remote_exec(source, **kwargs) for gateway in self])

    def terminate(self, timeout: float | None = None) -> None:
        """End all gateways, in `timeout` seconds or so (10 if None): who is late is killed.

        Never raises. Gateways that others go through end after those.
        """
        deadline = time.monotonic() + (10.0 if timeout is None else timeout)
        while self._gateways or self._ending:
            through = {name for gateway in self for name in _needs(gateway)}
            for gateway in [one for one in self if one.id not in through] or list(self):
                gateway.exit()
            _end(list(self._ending), deadline)

    def _reap(self) -> None:
        """Those that have ended since they were asked to."""
        for gateway in list(self._ending):
            if not gateway.hasreceiver():
                gateway.close(0.5)

    def _cleanup_atexit(self) -> None:
        if os.getpid() == self._process:
            self.terminate(1.0)


def _needs(gateway: Gateway) -> list[str]:
    """The ids of those that it goes through."""
    return [str(name) for name in (gateway.spec.via, gateway.spec.installvia) if name]


def _end(gateways: list[Gateway], deadline: float) -> None:
    late = gateways
    for number, grace in ((0, 0.0), (signal.SIGTERM, 0.3), (signal.SIGKILL, 0.2)):
        for gateway in late if number else ():
            gateway._signal(number)
        until = max(deadline, time.monotonic() + grace)
        late = [one for one in late if not _is_over(one, max(0, until - time.monotonic()))]
    for gateway in gateways:
        # What has said that it ends may still have to write its files.
        gateway.close(0.0 if gateway in late else max(0.5, deadline - time.monotonic()))


def _is_over(gateway: Gateway, timeout: float) -> bool:
    try:
        over: bool = gateway._wait_over(timeout)
    except Error:
        return True
    return over


def _is_terminal(number: int) -> bool:
    try:
        return os.isatty(number)
    except OSError:
        return False


class _OfPrograms(Group):
    """For what has a program's own stdio, beside which nothing is shown."""

    _shows_output = False

    def _prepared(self, spec: str | XSpec | None) -> XSpec:
        spec = super()._prepared(spec)
        spec.imports = None  # what a program imports late comes over its own way
        return spec


class _Mover(Gateway):
    """To where a program goes on. What that needs of us is packed while the interpreter starts."""

    _is_for_programs = True

    def _prepare(self) -> None:
        super()._prepare()
        if not self.is_local or os.environ.get("ELSEWHERE_PUSH"):
            from elsewhere._travel import luggage

            luggage.pack()


class _OfMovers(_OfPrograms):
    _gateway_type = _Mover


default_group = Group()
of_programs = _OfPrograms()
_of_movers = _OfMovers()
makegateway: Callable[..., Gateway] = default_group.makegateway
set_execmodel: Callable[..., None] = default_group.set_execmodel


def prestart(spec: str | XSpec = "popen") -> bool:
    """Get ready for further gateways of this process to a Python of this machine.

    They then start in a millisecond or two, forked from an interpreter that has started already and
    waits until this process ends. Without it, the first `popen` gateway has one started, which
    ends two seconds after the last gateway that it has served.

    Args:
        spec: a `popen` one; of `python=` it may have the path of an interpreter, and whatever else
            it asks for is the business of the gateway to come.

    Returns:
        False if that interpreter is not to be forked, for it has no engine here, or does something
        at its start that a fork could not repeat; gateways to it start as before.

    Raises:
        elsewhere.errors.UsageError: a spec that makes no sense, or is not `popen`.
    """
    return not _why_not_prestarted(spec if isinstance(spec, XSpec) else XSpec(spec), stays=True)


def _prestart_for(specs: list[XSpec]) -> None:
    """So many forks that the time for a start comes back."""
    commands: dict[object, list[XSpec]] = {}
    for spec in specs:
        if spec.popen and spec.via is None and spec.before is None:
            commands.setdefault(spec.python, []).append(spec)
    for alike in commands.values():
        if len(alike) >= 3:
            try:  # noqa: SIM105
                _why_not_prestarted(alike[0], stays=False)
            except Error:
                pass  # makegateway() says why, and of which


def _why_not_prestarted(spec: XSpec, stays: bool) -> str:
    if not spec.popen or spec.via is not None:
        raise UsageError(
            f"only an interpreter of this machine can be started beforehand, not {spec}",
            "for example: popen, or popen//python=/usr/bin/python3",
        )
    engine = warm_engine(spec)
    if engine is None:
        return "the spec says warm=no, or there is no engine on disk"
    text, facts = spec._as_text(), _known_facts(spec)
    magic = facts and facts["magic"]
    why: str = _elsewhere.prestart(text, sys.executable, magic, engine, stays)
    return why


def open_gateway(text: str, version: str) -> Gateway:
    """For a program that moves: a Python of its version, unless the spec names one."""
    spec = XSpec(text)
    if spec.thread is not None:
        raise UsageError(
            "a program cannot move to a thread of its own process", "for example: popen"
        )
    if spec.python is None and not (spec.popen and not spec.before):
        spec.python = version
    spec.warm = "no"  # a program lands in an interpreter that nothing else has been in
    return _of_movers.makegateway(spec)
