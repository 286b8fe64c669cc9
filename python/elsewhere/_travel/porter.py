"""Runs at the far end: starts a program, moved or new, and stands between it and its origin.

Executed in the worker, by the Python that the program will run in, which has nothing of ours yet:
so this file and those that it imports use the standard library only, and little of that. The
messages are in spec/handover.md.
"""

from __future__ import annotations

import os
import sys

from .files import Failed, identity, memory_file, receive_files, write_all
from .process import Process
from .program import STATE, Program
from .relay import Relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def serve(channel: Any) -> None:
    order = channel.receive()
    try:
        if order["direct"] and identity(order["direct"]) != order["identity"]:
            order["direct"] = None
        files = receive_files(channel, {} if order["direct"] else order["files"])
        program = Program(order, files, memory_file("elsewhere-state"))
    except Failed as error:
        channel.send(("failed", *error.args))
        return
    except OSError as error:
        channel.send(("failed", "Unsupported", f"cannot start {sys.executable}: {error}", ""))
        return
    relay = Relay(channel, program)
    staying = 0
    try:
        prepare(channel, program)
        staying = 1  # from now on a lost link must not end the worker before the program is safe
        channel.gateway.staying += 1
        hand_over(channel, program)
    except Failed as error:
        program.kill()
        channel.send(("failed", *error.args, relay.said()))
    except BaseException:
        program.kill()
        raise
    else:
        relay.serve(("gone",))
    finally:
        channel.gateway.staying -= staying


def prepare(channel: Any, program: Program) -> None:
    """Returns when everything is rebuilt from the state that comes."""
    try:
        if hasattr(channel, "_receive_to"):  # not in a worker of pure Python
            while channel._receive_to(program.state):
                pass
        else:
            while piece := channel.receive():
                write_all(program.state, piece)
    except OSError as error:
        raise Failed(
            "CannotWrite", f"the state does not fit there: {error.strerror}", "make room in memory"
        ) from error
    program.rebuild()


def hand_over(channel: Any, program: Program) -> None:
    """Returns when the program runs here. Whatever is raised: it does not."""
    channel.send(("ready", program.pid, program.path))
    try:
        go = channel.receive()
    except Exception:
        # Lost between READY and GO: nobody here can know whether the origin goes on.
        program.keep_unconfirmed()
        raise
    if go != ("go",):
        raise Failed("Refused", "the origin changed its mind", "")
    program.go()


def execute(channel: Any) -> None:
    """Another program than a moved one: its text comes with the order."""
    order = channel.receive()
    process = Process(order["terminal"], order["window"], closed=order["closed"])
    source = memory_file("elsewhere-source")
    write_all(source, order["source"])
    os.lseek(source, 0, os.SEEK_SET)
    try:
        process.start(order["arguments"], dict(os.environ), {STATE: source})
    except OSError as error:
        channel.send(("failed", "Unsupported", f"cannot start Python there: {error}", ""))
        return
    os.close(source)
    channel.send(("ready", process.pid, ""))
    Relay(channel, process).serve()
