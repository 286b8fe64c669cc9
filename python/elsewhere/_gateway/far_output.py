"""Runs in a worker of any Python: what it prints, told apart by a process beside it.

That process, and not the worker, reads the other ends of fds 1 and 2: so what was written arrives,
whatever becomes of the worker, and while nothing of Python runs in it. It puts all of it into the
stderr that the worker was started with, in pieces (spec/output.md), and ends when nobody can write
any more, or nobody reads.
"""

import os
import sys
import threading

# Executed in a process of its own: stdin is the worker's stdout, fd 3 its stderr.
BESIDE = """
import os, select, struct, sys
mark = sys.argv[1].encode()
kinds = {0: b"o", 3: b"e"}
poll = select.poll()
for number in kinds:
    poll.register(number, select.POLLIN)
poll.register(2, 0)
def say(kind, data):
    data = mark + kind + struct.pack("<I", len(data)) + data
    while data:
        try:
            data = data[os.write(2, data):]
        except OSError as error:
            if error.errno != 11:
                os._exit(0)
            select.select([], [2], [])
while kinds:
    for number, event in poll.poll():
        if number == 2:
            os._exit(0)
        data = os.read(number, 65536)
        if data:
            say(kinds[number], data)
        else:
            poll.unregister(number)
            del kinds[number]
say(b"z", b"")
"""


def tell_apart(channel, mark):
    if hasattr(os, "dup"):  # else Jython: all of it is on stderr
        try:
            take_output(mark)
        except Exception:
            error = sys.exc_info()[1]
            sys.stderr.write("elsewhere: what is printed here is all on stderr: %s\n" % error)
    channel.close()


def take_output(mark):
    flush()
    (out, out_end), (errors, errors_end), (over, alive) = pipe(), pipe(), pipe()
    try:
        start_beside({0: out, 3: errors, 4: alive}, mark)
        os.dup2(out_end, 1)
        os.dup2(errors_end, 2)
    finally:
        for number in (out, out_end, errors, errors_end, alive):
            os.close(number)
    if os.getppid() == 1:  # in a jail, where all processes end with this one
        import atexit

        atexit.register(wait_for_last_words, over)
    else:
        os.close(over)


def wait_for_last_words(over):
    import select

    flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    select.select([over], [], [], 1)


def start_beside(descriptors, mark):
    """No child of this process, whose program may wait for all that it has."""
    words = [sys.executable, "-S", "-E", "-c", BESIDE, mark]
    if not (words[0] and os.access(words[0], os.X_OK)):
        raise OSError("there is no interpreter %r" % (words[0],))
    between = os.fork()
    if between == 0:
        try:
            os.setsid()  # what ends the worker's group leaves it time to say the rest
            if os.fork() == 0:
                for there in sorted(descriptors):
                    os.dup2(descriptors[there], there)
                if threading.active_count() == 1:
                    # A copy of this process will do: a new one costs as much as the worker's start.
                    os.closerange(5, 1024)
                    sys.argv = ["", mark]
                    exec(BESIDE, {})
                    os._exit(0)
                os.execv(words[0], words)
        finally:
            os._exit(1)
    try:
        os.waitpid(between, 0)
    except OSError:
        pass  # the program has its children reaped by the kernel


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # closed, or replaced by the program


def pipe():
    import fcntl

    ends = os.pipe()
    for number in ends:
        fcntl.fcntl(number, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    return ends
