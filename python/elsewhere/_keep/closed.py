"""What stands for something outside of the process, and has been closed: it is closed again."""

from __future__ import annotations

import sys

from elsewhere._keep.refusals import refuse
from elsewhere._keep.subclasses import with_subclasses

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def reducers() -> dict[type, Any]:
    table: dict[type, Any] = {}
    if "socket" in sys.modules:
        table.update(dict.fromkeys(with_subclasses(sys.modules["socket"].socket), reduce_socket))
    if "mmap" in sys.modules:
        table[sys.modules["mmap"].mmap] = reduce_mapping
    if epoll := getattr(sys.modules.get("select"), "epoll", None):
        table[epoll] = reduce_epoll
    if "_sqlite3" in sys.modules:
        table[sys.modules["_sqlite3"].Connection] = reduce_database
    return table


def reduce_socket(socket: Any) -> tuple[Any, ...]:
    if socket.fileno() != -1:
        return refuse(socket)
    base = sys.modules["_socket"].socket
    what = [getattr(base, name).__get__(socket) for name in ("family", "type", "proto")]
    attributes = getattr(socket, "__dict__", None)
    return closed_socket, (type(socket), *what, base.gettimeout(socket)), attributes


def closed_socket(kind: Any, family: int, type_: int, proto: int, timeout: float | None) -> Any:
    import socket

    made = kind.__new__(kind)
    socket.socket.__init__(made, family, type_, proto)
    socket.socket.settimeout(made, timeout)
    socket.socket.close(made)
    return made


def reduce_mapping(mapping: Any) -> tuple[Any, ...]:
    return (closed_mapping, ()) if mapping.closed else refuse(mapping)


def closed_mapping() -> Any:
    import mmap

    mapping = mmap.mmap(-1, 1)
    mapping.close()
    return mapping


def reduce_epoll(poll: Any) -> tuple[Any, ...]:
    return (closed_epoll, ()) if poll.closed else refuse(poll)


def closed_epoll() -> Any:
    import select

    poll = select.epoll()
    poll.close()
    return poll


def reduce_database(connection: Any) -> tuple[Any, ...]:
    try:
        connection.total_changes  # noqa: B018 - it asks whether the database is open
    except sys.modules["_sqlite3"].ProgrammingError:
        return closed_database, ()
    return refuse(connection)


def closed_database() -> Any:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.close()
    return connection
