"""The origin's part of a hand-over, while the program still runs here.

Until GO is said, whatever fails leaves the program here, unharmed, with an exception.
"""

from __future__ import annotations

import os
import sys

from elsewhere import _program, errors
from elsewhere._travel import luggage
from elsewhere.errors import Disconnected, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from elsewhere._gateway import Channel, Gateway
    from elsewhere._travel.direct import Direct

PIECE = 1 << 20


def reach(spec: str) -> Journey | Direct:
    """Connect, and prove that the program could go on there. Raises elsewhere.errors.Error."""
    from elsewhere._travel import direct

    if not direct.is_way(spec):
        return journey(spec)
    occupy_closed_streams()
    return direct.Direct()


def journey(spec: str, purpose: str = "teleport", value: bytes = b"") -> Journey:
    """Over a gateway."""
    from elsewhere._gateway.group import open_gateway

    occupy_closed_streams()
    gateway = open_gateway(spec, version=f"{sys.version_info[0]}.{sys.version_info[1]}")
    try:
        return Journey(gateway, purpose, value)
    except BaseException:
        gateway.close(2.0)
        raise


class Far:
    """The other end: a process there that this one has, or will have, its stdio with."""

    channel: Channel
    pid = 0
    place = ""  # where its state will be if the link is lost; "": it has none

    def __init__(self, gateway: Gateway, terminal: list[bool]) -> None:
        self.gateway = gateway
        self.host = gateway.host
        self.terminal = terminal

    def await_ready(self) -> None:
        answer = self.hear()
        if answer[0] != "ready":
            raise self.failure(answer)
        self.pid, self.place = answer[1:3]

    def hear(self) -> tuple[Any, ...]:
        from elsewhere.errors import RemoteError

        try:
            message: tuple[Any, ...] = self.channel.receive()
            return message
        except EOFError as error:
            raise Disconnected(
                f"the connection to {self.host} ended before the program had started there: "
                f"{error}",
                "see the reason; `elsewhere doctor` tries the way there",
            ) from error
        except RemoteError as error:
            raise errors.InternalError(f"the porter at {self.host} failed: {error}") from error

    def failure(self, answer: tuple[Any, ...]) -> errors.Error:
        _, kind, message, hint, *said = answer
        kind = getattr(errors, kind, errors.InternalError)
        text = "".join(said).strip()
        where = f"{self.host}: {message}" + (f"\n{text}" if text else "")
        error: errors.Error = kind(where, hint)
        return error


class Unconfirmed(Disconnected):
    """GO was sent, and nobody here can know whether it has arrived."""


class Journey(Far):
    """One hand-over: to `host`, of the program that is read meanwhile."""

    state: Any = None  # that, in case nobody knows where it runs

    def __init__(self, gateway: Gateway, purpose: str, value: bytes) -> None:
        self.is_fork = purpose == "fork"
        super().__init__(
            gateway, [False] * 3 if self.is_fork else [is_terminal(n) for n in range(3)]
        )
        self.value = value
        self.told_to_go = False
        self.check_python(gateway.facts)
        # Its start overlaps with reading the program here.
        self.depart()

    def check_python(self, facts: dict[str, Any]) -> None:
        there, here = tuple(facts["python"][:2]), sys.version_info[:2]
        if facts["tag"] == _program.tag():
            return
        name = f"{facts['implementation']} {'.'.join(map(str, facts['python']))}"
        raise Unsupported(
            f"{self.host}: {facts['executable']} is {name} ({facts['tag']}), and a program of "
            f"Python {here[0]}.{here[1]} ({_program.tag()}) can go on in that only"
            + ("" if there != here else ", of the same build options"),
            f"add //python={here[0]}.{here[1]} to the spec; found there: "
            + (", ".join(self.gateway.pythons()) or "no other Python"),
        )

    def depart(self) -> None:
        channel = self.channel = call_porter(self.gateway, "serve")
        direct = luggage.folder() if self.gateway.is_local and not push_always() else None
        engine = luggage.engine_path(self.gateway.facts["tag"])
        names, package = {}, b""
        if not direct:
            package, hashed = luggage.packed()
            names = {"package": hashed, "engine": luggage.engine_name(engine)}
        channel.send(
            {
                "direct": direct,
                "identity": _identity(direct) if direct else None,
                "files": names,
                "boot": luggage.BOOT,
                "told": instructions(self.gateway.spec.chdir, self.value),
                "terminal": self.terminal,
                "closed": [] if self.is_fork else closed_streams(),
                "window": window_size(),
            }
        )
        answer = self.hear()
        if answer[0] != "need":
            raise self.failure(answer)
        for role in answer[1]:
            content = package if role == "package" else luggage.engine(engine)
            for at in range(0, len(content), PIECE):
                channel.send(content[at : at + PIECE])
            channel.send(b"")

    def hand_over(self, state: Any) -> None:
        """Send the `_elsewhere.State`; returns after READY. The next step is GO."""
        if not self.is_fork:
            self.state = state
        try:
            state.send(self.channel)
            self.channel.send(b"")
        except (OSError, EOFError):
            pass  # why, is what the far side says or said
        if not self.is_fork:
            # What this process needs as a pipe, while the program is rebuilt there.
            from elsewhere._travel import pipe  # noqa: F401
        self.await_ready()

    def abandon(self) -> None:
        """The program stays, and its copy there is to end, whether it waits for GO or was told."""
        if self.place:
            try:  # noqa: SIM105  # contextlib imports much
                self.channel.send(("signal", 9) if self.told_to_go else ("stay",))
            except (OSError, EOFError):
                pass
        self.gateway.close(2.0)

    def leave(self) -> NoReturn:
        """GO. From here on this process is a pipe, and nothing of the program runs in it."""
        from elsewhere._travel.departed import block_signals

        before = block_signals()
        try:
            self.say_go()
            self.await_gone()
        except Unconfirmed as error:
            self.end_unconfirmed(error)
        except BaseException:
            import _signal  # type: ignore[import-not-found]

            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
            self.abandon()
            raise
        from elsewhere._travel.pipe import Pipe

        Pipe(self, before).run()

    def say_go(self) -> None:
        self.told_to_go = True
        try:
            self.channel.send(("go",))
        except (OSError, EOFError) as error:
            # It cannot have arrived whole, so nobody runs there.
            raise Disconnected(
                f"the connection to {self.host} was lost before the program was told to go there",
                "the program goes on here; do not resume what may lie there in " + self.place,
            ) from error

    def await_gone(self) -> None:
        """Returns when the program runs there. Raises Unconfirmed; another error: it does not."""
        try:
            answer = self.hear()
        except Disconnected as error:
            raise Unconfirmed(
                f"the connection to {self.host} was lost while the program was told to go there",
                error.hint,
            ) from error
        if answer[0] != "gone":
            self.place = ""
            raise self.failure(answer)

    def end_unconfirmed(self, error: Unconfirmed) -> NoReturn:
        """It may run there, so it does not run here; but if it does not, it is not lost."""
        import time

        from elsewhere._travel.files import state_folder

        stamp = time.strftime("%Y%m%d-%H%M%S")
        here = f"{state_folder()}/{_program.name()}-{stamp}-{os.getpid()}.snap"
        hint = f"once {self.host} can be reached, `elsewhere resume {self.place}` there"
        try:
            os.makedirs(os.path.dirname(here), mode=0o700, exist_ok=True)
            self.state.keep(here)
            hint += f"; only if there is no such file, `elsewhere resume {here}` here"
        except OSError as reason:
            hint += f"; it could not be kept here as well: {reason}"
        os.write(2, f"error: {error.message}\nhint: {hint}\n".encode())
        os._exit(error.exit_code)


def instructions(directory: str | None, value: bytes) -> dict[str, Any]:
    """What ELSEWHERE_RUN is to say, less what only the porter knows."""
    start = _program.told or _program._start()
    return {
        "mode": "resume",
        "target": start["target"],
        "program": start["program"],
        "arguments": list(start["arguments"]),
        "snapshot": None,
        "clone": True,
        "unmanaged": start.get("unmanaged", not _program.told),
        "grace": start.get("grace", 10.0),
        "hash_seed": _program._hash_seed(),
        "original_signal_mask": list(start.get("original_signal_mask", ())),
        "interpreter_arguments": list(start["interpreter_arguments"]),
        "arrival": {
            "name": _program.name(),
            "directory": directory,
            "value": _text_of(value),
        },
    }


def _text_of(value: bytes) -> str:
    if not value:
        return ""
    from binascii import b2a_base64

    return b2a_base64(value, newline=False).decode()


# Executed in the worker: makes modules of what it is given, and calls the last one's function.
_RUN = """
def run(channel, modules, function):
    import marshal, sys
    name = "_elsewhere_far"
    package = sys.modules[name] = type(sys)(name)
    package.__path__ = []
    for part, code in modules:
        module = sys.modules[name + "." + part] = type(sys)(name + "." + part)
        module.__package__ = name
        if type(code) is bytes:
            code = marshal.loads(code)
        else:
            code = compile(code, "<elsewhere " + part + ">", "exec")
        exec(code, module.__dict__)
    getattr(module, function)(channel)
"""


def call_porter(gateway: Gateway, function: str) -> Channel:
    """Call a function of porter.py there, with a new channel."""
    if tuple(gateway.facts["python"]) < (3, 8):
        raise Unsupported(
            f"{gateway.host}: {gateway.facts['executable']} is Python "
            + ".".join(map(str, gateway.facts["python"])),
            "name a Python from 3.8 on with //python=",
        )
    magic = gateway.facts["magic"]
    modules = [(name, luggage.part(name, magic)) for name in luggage.PORTER]
    return gateway._execute(_RUN, "run", {"modules": modules, "function": function})


def _identity(folder: str) -> list[int] | None:
    from elsewhere._travel.files import identity

    return identity(folder)


def push_always() -> bool:
    """For tests, and for packages on file systems that only seem to be the same."""
    return bool(os.environ.get("ELSEWHERE_PUSH"))


def is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def closed_streams() -> list[int]:
    """Which of stdin, stdout, stderr this process does not have, or has for itself only."""
    return [number for number in range(3) if not os.get_inheritable(number)]


def occupy_closed_streams() -> None:
    """Descriptors below 3 are stdio, so what a move opens must not get one of them."""
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(number)


def window_size() -> tuple[int, int]:
    for descriptor in (0, 1, 2):
        try:
            size = os.get_terminal_size(descriptor)
        except OSError:
            continue
        return size.lines, size.columns
    return 24, 80
