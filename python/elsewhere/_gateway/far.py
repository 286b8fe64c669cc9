"""Modules of ours for workers: what not every gateway needs is sent when it does.

They run in any Python from 2.7 on, executed before anything that is sent later.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from elsewhere._gateway.channel import Channel
    from elsewhere._gateway.gateway import Gateway

# For a Python that has our bytecode: compiling takes milliseconds.
_UNPACK = """
def run(channel, code, function, arguments):
    import marshal
    namespace = {"__name__": "elsewhere there"}
    exec(marshal.loads(code), namespace)
    namespace[function](channel, **arguments)
"""


def prepare(gateway: Gateway, module: str, function: str, **arguments: Any) -> Channel:
    """Call a function of a module of this package there, with a new channel, which stays open.

    Raises:
        OSError: the connection was lost.
    """
    from elsewhere._travel.luggage import part

    channel = gateway.newchannel()
    program = part(module, gateway.facts["magic"], "_gateway")
    name = f"<elsewhere {module}>"
    if isinstance(program, bytes):
        given = {"code": program, "function": function, "arguments": arguments}
        task: tuple[Any, ...] = (_UNPACK, name, "run", given, True)
    else:
        task = (program, name, function, arguments, True)
    gateway._execute_on(channel.id, task)
    return channel
