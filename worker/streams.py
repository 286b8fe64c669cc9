"""The two streams to the controller, taken away from the program that runs here."""

import errno
import os
import sys

fcntl = None
if not hasattr(os, "set_blocking"):
    try:
        import fcntl
    except ImportError:  # Jython: writes block there, and the service thread reads meanwhile
        pass

# Imported when it is first needed, but before modules can be had over the link (far_imports.py):
# whoever waits here may hold up another thread, which waits for a module.
select = None
RETRY = (errno.EAGAIN, errno.EWOULDBLOCK)


def take_streams(stdout=2):
    """Private copies of fds 0 and 1, which become /dev/null and a copy of `stdout`.

    So nothing that prints, in Python or in C, gets between the packets, and nothing that reads
    stdin takes them away. The copies are not inherited by children.
    """
    if not hasattr(os, "dup"):
        return take_java_streams()
    source, sink = private(os.dup(0)), private(os.dup(1))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(stdout, 1)
    except OSError:  # started without a stderr
        os.dup2(null, 1)
    if null > 2:
        os.close(null)
    # Sends read while they wait for room, so that two ends that both send never wait forever.
    if hasattr(os, "set_blocking"):
        os.set_blocking(sink, False)
    elif fcntl is not None:
        fcntl.fcntl(sink, fcntl.F_SETFL, fcntl.fcntl(sink, fcntl.F_GETFL) | os.O_NONBLOCK)
    # What is printed is seen when a line is done, also by a program that is killed later.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    elif sys.version_info[0] == 2 and sys.stdout is not None:
        sys.stdout = os.fdopen(1, "w", 1)
    return source, sink


def take_java_streams():
    """Jython's fds are Java's streams: it is enough that Python and Java print elsewhere."""
    from java.io import FileInputStream
    from java.lang import System

    source, sink = sys.stdin.fileno(), sys.stdout.fileno()
    System.setIn(FileInputStream(os.devnull))  # children would be fed what comes
    System.setOut(System.err)
    sys.stdin, sys.stdout = open(os.devnull), sys.stderr  # noqa: SIM115
    return source, sink


def private(fd):
    if fcntl is not None:  # else os.dup() has seen to it
        fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.fcntl(fd, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)
    return fd


def read_some(fd, size):
    """Bytes; none at the end of the stream; None when there is nothing now."""
    while True:
        try:
            return os.read(fd, size)
        except EnvironmentError as error:
            if error.errno in RETRY:
                return None
            if error.errno != errno.EINTR:
                return b""  # reset, or closed under us: an end like any other


def write_some(fd, data):
    """How many bytes went out; 0 when there is no room now."""
    while True:
        try:
            return os.write(fd, data)
        except EnvironmentError as error:
            if error.errno in RETRY:
                return 0
            if error.errno != errno.EINTR:
                raise


def wait_for(source, sink, timeout):
    """Waits until one of the fds (None: not asked for) is ready: (readable, writable)."""
    global select
    if select is None:
        import select
    if not hasattr(select, "poll"):
        sources, sinks = (
            [fd for fd in (source,) if fd is not None],
            [fd for fd in (sink,) if fd is not None],
        )
        ready = select.select(sources, sinks, [], timeout)
        return bool(ready[0]), bool(ready[1])
    poll = select.poll()
    if source is not None:
        poll.register(source, select.POLLIN)
    if sink is not None:
        poll.register(sink, select.POLLOUT)
    try:
        ready = [fd for fd, _ in poll.poll(None if timeout is None else max(0, timeout) * 1000)]
    except (select.error, OSError) as error:
        if error.args[0] != errno.EINTR:
            raise
        ready = []
    return source in ready, sink in ready
