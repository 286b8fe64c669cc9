"""`installvia=ID`: a server started through another gateway, for the one gateway that asks."""

from __future__ import annotations

import contextlib
import os
import tempfile

from elsewhere._socket.certificate import make_certificate
from elsewhere._socket.token import SECRET_SIZE, make_token, split_address
from elsewhere.errors import Unsupported, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from elsewhere._gateway.channel import Channel
    from elsewhere._gateway.gateway import Gateway
    from elsewhere._gateway.spec import XSpec


def without(text: str, *keys: str) -> str:
    parts = text.split("//")
    return "//".join(part for part in parts if part.partition("=")[0] not in keys)


@contextlib.contextmanager
def installed(spec: XSpec, text: str, through: Gateway) -> Iterator[tuple[str, Channel]]:
    """(the text of a spec that leads there, the channel that keeps the server). Key, certificate
    and secret are made here and go by the other gateway.

    Raises:
        UsageError: `socket=` is no address.
        Unsupported: the Python there is too old.
        RemoteError: the server could not be started there.
    """
    from elsewhere._socket import server

    version = tuple(through.facts["python"])
    if version < (3, 7):
        number = ".".join(map(str, version))
        raise Unsupported(
            f"the Python of gateway {through.id} is {number}: no server runs on it",
            "3.7 is the first that has TLS 1.3",
        )
    address = spec.socket if isinstance(spec.socket, str) else ""
    try:
        host, port = split_address(address) if address else ("127.0.0.1", 0)
    except ValueError as error:
        raise UsageError(str(error), "for example socket=host:0//installvia=ID") from None
    secret = os.urandom(SECRET_SIZE)
    pem, certificate = make_certificate()
    channel = through.remote_exec(server() + "\nserve_channel(channel)\n")
    channel.send((host, port, pem, secret))
    port = channel.receive(30)
    rest = without(text, "socket", "installvia", "token")
    # The process that connects reads it there, and nobody else can; then it goes.
    with tempfile.NamedTemporaryFile("w", prefix="elsewhere-token-") as token:
        token.write(make_token(secret, certificate))
        token.flush()
        shown = f"[{host}]" if ":" in host else host
        way = f"socket={shown}:{port}//token={token.name}"
        yield (f"{way}//{rest}" if rest else way), channel
