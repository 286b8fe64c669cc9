"""A Python interpreter somewhere else."""

from __future__ import annotations

import os
import sys
import weakref
from _thread import allocate_lock
from types import FunctionType, ModuleType

from elsewhere import _elsewhere
from elsewhere._gateway.channel import Channel
from elsewhere._gateway.engine import facts_here, offer_of, prepare, warm_engine
from elsewhere.errors import Disconnected, DumpError, Error, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from typing import Any

    from elsewhere._gateway.callbacks import Callbacks
    from elsewhere._gateway.calls import Backlog
    from elsewhere._gateway.execmodel import ExecModel
    from elsewhere._gateway.group import Group
    from elsewhere._gateway.imports import Lender
    from elsewhere._gateway.output import Output
    from elsewhere._gateway.spec import XSpec


class Gateway(_elsewhere.Gateway):  # type: ignore[misc]
    """A Python interpreter somewhere else; see `makegateway`.

    Attributes:
        spec: the XSpec that it was made from.
        id: its name in its group.
        host: where it is, as the spec calls it.
        why_pure: why its end of the channels is pure Python; "" where it is native.
        is_warm: whether its interpreter was forked from one that is kept for that; see `prestart`.
        facts: what the interpreter told of itself: `python`, `executable`, `platform`, `pid`, …
    """

    host: str
    why_pure: str
    is_warm: bool
    facts: dict[str, Any]
    _channel_type = Channel
    _calls: Callbacks | None = None
    _info: RInfo | None = None
    _backlog: Backlog | None = None
    _output: Output | None = None
    _lender: Lender | None = None
    _is_fresh = True  # nothing has been executed there yet
    _is_for_programs = False  # that move there

    def __init__(self, spec: XSpec, group: Group, occasion: int = 0) -> None:
        self.spec = spec
        self._occasion = occasion
        self.id: str = str(spec.id)
        self._group = group
        self._asked_to_exit = False
        self._channels: weakref.WeakValueDictionary[int, Channel] = weakref.WeakValueDictionary()
        self._making = allocate_lock()  # of channels and callbacks
        self._starting = allocate_lock()  # of calls, and of output
        self._lending = allocate_lock()
        self._targets: dict[str, object] = {}
        if spec.installvia is None:
            self._reach(self._way(spec))
        else:
            from elsewhere._socket.installing import installed

            through = group._named(spec.installvia, "installvia")
            with installed(spec, self._way(spec), through) as (text, self._server):
                self._reach(text)
        if spec.imports == "controller":
            self._lend_modules()

    def _way(self, spec: XSpec) -> str:
        """The spec as the core understands it."""
        return spec._as_text()

    def _reach(self, text: str) -> None:
        believed = _known_facts(self.spec)
        hello = _elsewhere.hello_for(self._way(self.spec), self.id)
        carrier: Channel | tuple[int, int] | None = None
        if self.spec.via is not None:
            from elsewhere._gateway.via import start_there

            through = self._group._named(self.spec.via, "via")
            believed, carrier = start_there(through, self.spec, text, _dialer(self.spec))
        elif self.spec.thread is not None:
            from elsewhere._gateway.thread import start_here

            carrier = start_here(self.spec)

        def greet(
            facts: dict[str, Any] | None,
        ) -> tuple[dict[str, Any], Callable[[], bytes] | None] | None:
            # Of None: of a Python that is only believed in.
            there = facts if facts is not None else believed or {}
            offer = offer_of(self.spec, there, self.is_local, self._is_for_programs)
            if offer is None:
                return None if facts is None else (hello, None)
            return {**hello, "engine": offer.terms}, offer.content

        demanding = hello.get("chdir", ".") != "." or "nice" in hello
        try:
            super().__init__(
                text,
                sys.executable,
                believed and believed["magic"],
                greet,
                _dialer(self.spec),
                carrier,
                self._prepare,
                warm_engine(self.spec),
                self._occasion,
            )
        except Disconnected as error:  # an engine was offered, and no verdict came
            if demanding:
                self._check_wish(hello, str(error), error)
            raise
        _seen[_where(self.spec)] = self.facts
        if demanding:
            self._prove_start(hello)

    def _prepare(self) -> None:
        """What can be done while the interpreter starts."""
        prepare(self.spec, self.is_local, self._is_for_programs)
        from elsewhere import _sources  # noqa: F401  # of the first remote_exec()

    def __repr__(self) -> str:
        state = "closed" if self._why_over() else "open"
        return f"<Gateway id={self.id!r} {self.host} {state}>"

    def _prove_start(self, hello: dict[str, Any]) -> None:
        """Return when the interpreter is as `hello` asks. Raises UsageError if it cannot be."""
        try:
            self._status(None)
        except (Error, OSError, EOFError) as error:
            try:  # noqa: SIM105
                self._wait_over(2.0)  # the reason may still be on its way
            except Error:
                pass  # then what has been said is all
            reason = self._why_over() or str(error)
            self._close(1.0)
            self._check_wish(hello, f"{self.host}: {reason}", error)
            raise Disconnected(
                f"the connection to {self.host} ended as it began: {reason}",
                "try again; `elsewhere doctor` tries the way there, step by step",
            ) from error

    @staticmethod
    def _check_wish(hello: dict[str, Any], reason: str, error: Exception) -> None:
        """Raises UsageError if the worker ended because it could not be as `hello` asks."""
        if "[Errno" in reason:
            wish = "//".join(f"{key}={hello[key]}" for key in ("chdir", "nice") if key in hello)
            raise UsageError(
                f"what {wish} asks for cannot be: {reason}",
                "name a folder that is there or whose parent is, and a nice that you are allowed",
            ) from error

    @property
    def is_local(self) -> bool:
        """Whether it shares the file system with this process."""
        return bool(self.spec.popen) and self.spec.via is None

    @property
    def execmodel(self) -> ExecModel:
        """Threads, locks and queues of this end, as its group was made with."""
        return self._group.execmodel

    # --- code there --------------------------------------------------------------------------

    def remote_exec(self, source: str | FunctionType | ModuleType, **kwargs: object) -> Channel:
        """Execute code there, with a `channel` to here.

        Args:
            source: a text; a function that takes `channel` and `kwargs`, without closure and
                globals; or a module, which finds `__name__ == "__channelexec__"`.

        Raises:
            ValueError: the function cannot be sent.
            OSError: the connection was lost.
        """
        from elsewhere._sources import source_of

        text, file, function = source_of(source, kwargs)
        return self._execute(text, function, kwargs, file)

    def _execute(
        self, source: str, function: str | None, kwargs: dict[str, Any], file: str | None = None
    ) -> Channel:
        channel = self.newchannel()
        self._is_fresh = False
        self._execute_on(channel.id, (source, file, function, kwargs))
        return channel

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have `fn(*args, **kwargs)` called there, after what was submitted before.

        What is defined in the main program goes there, other modules are imported there. Arguments
        and results go as pickles: this trusts the host, unless the spec has `trust=values`, with
        which results are inert values.

        Raises:
            concurrent.futures.BrokenExecutor: the interpreter is gone.
        """
        with self._starting:
            if self._backlog is None:
                from elsewhere._gateway.calls import Backlog, Caller

                backlog = Backlog()
                Caller(self, backlog)
                self._backlog = backlog
        return self._backlog.submit(fn, args, kwargs)

    def call(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """The result of `fn(*args, **kwargs)` there, or what it raises; see submit()."""
        return self.submit(fn, *args, **kwargs).result()

    def newchannel(self) -> Channel:
        """A channel that no code there knows yet; send it over another one."""
        return self._channel(self._open_channel())

    def _channel(self, number: int) -> Channel:
        with self._making:
            channel = self._channels.get(number)
            if channel is None:
                channel = self._channels[number] = self._channel_type(self, number)
        return channel

    def reconfigure(self, py2str_as_py3str: bool = True, py3str_as_py2str: bool = False) -> None:
        """Set how the strings of Python 2 and 3 are taken for each other on later channels.

        Args:
            py2str_as_py3str: a `str` of a Python 2 arrives as `str`, not `bytes`.
            py3str_as_py2str: a `str` arrives at a Python 2 as `str`, not `unicode`.
        """
        self._set_strings(0, py2str_as_py3str, py3str_as_py2str)

    def remote_init_threads(self, num: int | None = None) -> None:
        """Nothing: code there gets as many threads as it needs. Kept for old programs."""

    def _callbacks(self) -> Callbacks:
        with self._making:
            if self._calls is None:
                from elsewhere._gateway.callbacks import Callbacks

                self._calls = Callbacks(self)
            return self._calls

    def _lend_modules(self) -> None:
        """From now on code there can import what is here and not there."""
        with self._lending:
            if self._lender is None and self.spec.thread is None:
                from elsewhere._gateway.imports import Lender

                self._lender = Lender(self)

    # --- what is printed there ---------------------------------------------------------------

    @property
    def stdout(self) -> Any:
        """Where what is written to stdout there goes, by Python, C or children: see stderr."""
        return self._targets.get("stdout")

    @stdout.setter
    def stdout(self, target: Any) -> None:
        self._set_target("stdout", target)

    @property
    def stderr(self) -> Any:
        """Where what is written to stderr there goes, as it comes, in a thread for output.

        A function, called with str; a file, text or binary; a descriptor; `subprocess.DEVNULL`,
        or for stderr `subprocess.STDOUT`. None: where the group says, else a terminal of ours,
        each line with the id before it; without a terminal both go to our stderr.

        Raises:
            UsageError: the target is none of these, or the worker is a thread of this process.
            OSError: the connection was lost.
        """
        return self._targets.get("stderr")

    @stderr.setter
    def stderr(self, target: Any) -> None:
        self._set_target("stderr", target)

    def _set_target(self, name: str, target: object) -> None:
        from elsewhere._gateway.output import check_target

        check_target(target, name)
        if target is not None and self.spec.thread is not None:
            raise UsageError(
                f"what gateway {self.id} prints is this process's own: it is a thread here",
                "begin the spec with popen",
            )
        self._targets[name] = target
        if target is not None:
            self._tell_output_apart(wait=True)

    def _tell_output_apart(self, wait: bool) -> None:
        with self._starting:
            if self._output is None and self.spec.thread is None:
                from elsewhere._gateway.output import Output

                self._output = Output(self, wait)

    def _target(self, name: str) -> object:
        target = self._targets.get(name)
        if target is None:
            target = self._group._targets.get(name)
        return None if target is _FAILED else target

    def _drop_target(self, name: str) -> None:
        self._targets[name] = _FAILED

    # --- how it is ---------------------------------------------------------------------------

    def remote_status(self, timeout: float | None = None) -> RInfo:
        """How busy it is: `numchannels`, `numexecuting`, `execmodel`.

        Raises:
            TimeoutError: no answer within `timeout` seconds.
            ConnectionError: the connection is over.
        """
        return RInfo(self._status(timeout))

    def _rinfo(self, update: bool = False) -> RInfo:
        """`executable`, `version_info`, `platform`, `cwd`, `pid`: asked once, or on `update`."""
        if update or self._info is None:
            channel = self._execute(_INFORM, None, {})
            self._info = RInfo(channel.receive())
            channel.waitclose()
        return self._info

    def _cannot_send(self, why: str) -> DumpError:
        return DumpError(why)

    def hasreceiver(self) -> bool:
        """Whether the connection is there."""
        try:
            return not self._wait_over(0)
        except Error:
            return False

    def _why_lost(self) -> str | None:
        """Why the link is over, unless it was to be."""
        why: str | None = None if self._asked_to_exit else self._why_over()
        return why

    def pythons(self) -> list[str]:
        """Other CPythons there, as "3.12.1 /usr/bin/python3.12"."""
        from elsewhere._gateway.other_pythons import LIST_PYTHONS

        channel = self._execute(LIST_PYTHONS, None, {})
        try:
            found: list[str] = channel.receive(10)
        except (Error, EOFError, OSError):
            return []
        return found

    # --- the end -----------------------------------------------------------------------------

    def exit(self) -> None:
        """Ask the interpreter to end, and leave the group. Never waits for it, never raises."""
        if not self._asked_to_exit:
            self._asked_to_exit = True
            self._group._unregister(self)
            try:  # noqa: SIM105  # contextlib imports much
                self._ask_to_end()
            except (Error, OSError):
                pass  # it has gone before

    def join(self, timeout: float | None = None) -> None:
        """Wait until the connection is over, or `timeout` seconds have passed."""
        try:  # noqa: SIM105
            self._wait_over(timeout)
        except Error:
            pass  # it is over
        if self._calls is not None:
            self._calls.join(timeout if timeout is not None else 10)
        if self._output is not None and not self.hasreceiver():
            self._output.finish(timeout if timeout is not None else 10)

    def close(self, timeout: float) -> None:
        """End it within `timeout` seconds or so, by force if need be. Never raises."""
        self.exit()
        self._group._ended(self)
        self._close(timeout)
        if self._output is not None:
            self._output.stop()
        if self._calls is not None:
            self._calls.join(1)

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self.close(5.0)

    async def __aenter__(self) -> Gateway:
        return self

    async def __aexit__(self, *_: object) -> None:
        from elsewhere._gateway.asynchronous import close

        await close(self)

    def _signal(self, number: int) -> None:
        """To the process here: the worker itself, or what leads to it."""
        if self._pid > 1:
            try:  # noqa: SIM105
                os.kill(self._pid, number)
            except OSError:
                pass  # it has ended


class RInfo:
    """What an interpreter says of itself, as attributes."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.__dict__.update(facts)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the interpreter did not tell its {name!r}")

    def __repr__(self) -> str:
        facts = ", ".join(f"{key}={value}" for key, value in sorted(self.__dict__.items()))
        return f"<RInfo {facts}>"


_FAILED = object()  # a target that raised

_INFORM = """
import os, sys
channel.send(dict(executable=sys.executable, version_info=tuple(sys.version_info[:5]),
                  platform=sys.platform, cwd=os.getcwd(), pid=os.getpid()))
"""


def _dialer(spec: XSpec) -> str | None:
    """The program that connects to sockets, if one is meant."""
    if spec.socket is None and spec.unix is None:
        return None
    from elsewhere._socket import dialer

    return dialer()


def _known_facts(spec: XSpec) -> dict[str, Any] | None:
    """What the Python that will be found will tell of itself, so far as that can be known."""
    wish = spec.python
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    here = (spec.popen or spec.bwrap) and wish is None
    same = isinstance(wish, str) and (wish == minor or wish.startswith(minor + "."))
    cpython = sys.implementation.name == "cpython"
    if cpython and (here or same or wish == sys.executable):
        return facts_here()
    return _seen.get(_where(spec))


# The facts of interpreters that were reached before, by _where().
_seen: dict[str, dict[str, Any]] = {}


def _where(spec: XSpec) -> str:
    """The spec without the name that this gateway has here."""
    return "//".join(word for word in str(spec).split("//") if not word.startswith("id="))
