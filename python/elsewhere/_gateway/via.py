"""`via=ID`: a gateway that goes through another one (spec/relay.md)."""

from __future__ import annotations

from elsewhere import _elsewhere
from elsewhere.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from elsewhere._gateway.channel import Channel
    from elsewhere._gateway.gateway import Gateway
    from elsewhere._gateway.spec import XSpec


_TO_OTHER_PYTHONS = frozenset(
    ["ssh", "socket", "unix", "sudo", "docker", "podman", "kubectl", "lxc", "nsenter", "cmd"]
)


def start_there(
    through: Gateway, spec: XSpec, text: str, dialer: str | None
) -> tuple[dict[str, Any] | None, Channel]:
    """Starts what leads to the interpreter where `through` is: (the facts that it will tell, if
    they are known, the channel that carries its streams).

    Raises:
        elsewhere.errors.UsageError: the spec makes no sense.
        OSError: the connection to `through` was lost.
        elsewhere.errors.Unsupported: the command is not there.
    """
    words, asks = _elsewhere.command_for(text, through.facts["executable"], dialer)
    asked = through.remote_exec(RELAY + "\nstart(channel)\n")
    asked.reconfigure(py2str_as_py3str=False)
    asked.send((words, bool(asks)))
    channel: Channel | str = asked.receive()
    if isinstance(channel, str):
        raise Unsupported(
            f"cannot start {words[0]} on the machine of gateway {through.id}: {channel}",
            "is it installed there, and on PATH?",
        )
    channel.reconfigure(py2str_as_py3str=False)
    own = spec.python is None and spec.before is None
    same = own and not any(getattr(spec, way) is not None for way in _TO_OTHER_PYTHONS)
    return through.facts if same else None, channel


# For Python 2.7 and later. Threads of its own, so that the main thread stays free for programs.
RELAY = r"""
import os, struct, subprocess, threading, time
WINDOW = 4 << 20
PIECE = 256 * 1024
FAREWELL = 8


class Relay(object):
    def __init__(self, channel, words):
        self.channel = channel
        options = {"preexec_fn": os.setsid} if str is bytes else {"start_new_session": True}
        self.child = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            close_fds=True, bufsize=0, **options
        )
        try:
            import fcntl

            for stream in self.child.stdin, self.child.stdout:
                fcntl.fcntl(stream.fileno(), 1031, PIECE)
        except Exception:
            pass
        self.room = threading.Condition()
        self.on_way = 0
        self.over = False
        self.readers = [self.start(self.inwards, self.child.stdout.fileno(), b"D"),
                        self.start(self.inwards, self.child.stderr.fileno(), b"E")]
        self.start(self.outwards)
        self.start(self.end)

    def start(self, function, *args):
        thread = threading.Thread(target=function, args=args)
        thread.daemon = True
        thread._Thread__stderr = None  # Python 2 takes names away from its threads as it ends
        thread.start()
        return thread

    def outwards(self):
        # What the controller sends, to the child.
        sink = self.child.stdin.fileno()
        untold = 0
        broken = False
        try:
            while True:
                data = self.channel.receive()
                kind = data[:1]
                if kind == b"D":
                    rest = memoryview(data)[1:]
                    untold += len(rest)
                    while len(rest) and not broken:
                        try:
                            rest = rest[os.write(sink, rest):]
                        except OSError:
                            broken = True
                    if untold >= WINDOW // 4:
                        self.channel.send(b"A" + struct.pack("<I", untold))
                        untold = 0
                elif kind == b"A":
                    with self.room:
                        self.on_way -= struct.unpack("<I", data[1:])[0]
                        self.room.notify_all()
                elif kind == b"Z" and not broken:
                    broken = True
                    self.child.stdin.close()
        except (EOFError, IOError, OSError):
            pass
        with self.room:
            self.over = True
            self.room.notify_all()
        if not broken:
            self.child.stdin.close()
        limit = time.time() + FAREWELL
        while self.child.poll() is None and time.time() < limit:
            time.sleep(0.05)
        if self.child.poll() is None:
            self.child.kill()

    def inwards(self, source, kind):
        # What the child writes, to the controller.
        try:
            while True:
                data = os.read(source, PIECE)
                if not data:
                    break
                if kind == b"D":
                    with self.room:
                        while self.on_way >= WINDOW and not self.over:
                            self.room.wait()
                        self.on_way += len(data)
                if not self.over:
                    self.channel.send(kind + data)
            if kind == b"D" and not self.over:
                self.channel.send(b"Z")
        except (EOFError, IOError, OSError):
            pass

    def end(self):
        code = self.child.wait()
        for reader in self.readers:
            reader.join(1)
        try:
            self.channel.send(b"X" + struct.pack("<ii", max(code, 0), max(-code, 0)))
        except (EOFError, IOError, OSError):
            pass


def start_native(channel, words, asks, engine):
    # The engine's relay: no Python runs for what it carries.
    running = channel.gateway.__dict__.setdefault("relays", [])
    running[:] = [relay for relay in running if not relay.over()]
    try:
        carrier = channel.gateway.newchannel()
        running.append(engine.Relay(carrier, words, asks))
    except OSError as error:
        channel.send(str(error).rpartition(": ")[2])
    else:
        channel.send(carrier)


def start(channel):
    words, asks = channel.receive()
    engine = getattr(channel.gateway, "engine", None)
    if engine is not None:
        return start_native(channel, words, asks, engine)
    words = [word if str is bytes else os.fsdecode(word) for word in words]
    if str is bytes:
        words = [word.encode("utf-8") if not isinstance(word, str) else word for word in words]
    try:
        carrier = channel.gateway.newchannel()
        carrier.reconfigure(False, False)
        Relay(carrier, words)
    except OSError as error:
        channel.send(u"%s" % (error.strerror,))
    else:
        channel.send(carrier)
"""
