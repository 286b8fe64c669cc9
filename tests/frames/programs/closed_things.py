# needs 3.9
"""Sockets, mappings, polls and databases that have been closed, and are still in variables."""
import mmap
import select
import socket
import sqlite3
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Named(socket.socket):
    def __init__(self, name):
        super().__init__(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.name = name


def failure(call):
    try:
        call()
    except (OSError, ValueError, sqlite3.Error) as error:
        return type(error).__name__, str(error)


def ask():
    with socket.socketpair()[0] as one, Named("named") as named, socket.create_server(("", 0)) as server:
        server.settimeout(2.5)
        one.setblocking(False)
    checkpoint()
    print(one, named.name, type(named).__name__, server.gettimeout(), one.getblocking())
    print(one.family, named.type, server.proto, failure(lambda: one.send(b"x")))
    one.close()
    return {one: 1}[one]


def query():
    database = sqlite3.connect(":memory:")
    with database:
        found = database.execute("select 1 + 1").fetchone()
    database.close()
    checkpoint()
    return found, failure(lambda: database.execute("select 1"))


for _ in range(ROUNDS):
    print(ask(), query())
    mapping, poll = mmap.mmap(-1, 10), select.epoll()
    mapping[:2] = b"ab"
    mapping.close()
    poll.close()
    checkpoint()
    print(mapping.closed, failure(lambda: mapping[:2]), poll.closed, failure(lambda: poll.poll(0)))
