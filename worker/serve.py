"""A worker's life: takes the streams, says HELLO, serves, says EXIT. Called by stage0.py."""

import os
import sys
import time

from worker.errors import error_text
from worker.facts import describe_here
from worker.execution import Execution, flush_output, start_thread
from worker.link import HELLO, Link
from worker.native import native_link
from worker.streams import take_streams, write_some
from worker.values import dumps

GRACE = 5  # seconds for code that runs when the link ends


def serve(marker, early):
    """`marker` goes first, for the controller to find the beginning; `early` was read already."""
    magic = marker[-4:]
    if early.startswith(b"zygote\0"):
        _, engine, source = early.split(b"\0", 2)
        exec(compile(source, "<elsewhere zygote>", "exec", 0, True), globals())
        wait_as_zygote(marker, engine)  # noqa: F821  # of worker/zygote.py
        marker = early = b""
    source, sink = take_streams()
    link = Link(source, sink, early)
    execution = Execution(link)
    code = 0
    try:
        write_some(sink, marker)
        link.send(HELLO, 0, dumps(describe_here(magic))[0])
        sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)  # stage 0 wrote none
        link = execution.link = native_link(link, execution)
        execution.run_in_main(lambda: end_in_time(link))
    except KeyboardInterrupt:
        code = 130
    except EnvironmentError:
        if not link.broken:
            code = complain(link)
    except Exception:
        code = complain(link)
    flush_output()
    link.say_exit(code or int(link.failed))
    sys.exit(code or int(link.failed))


def complain(link):
    """Something of ours or of the HELLO went wrong: the controller is told."""
    link.complain(error_text())
    return 1


def end_in_time(link):
    """In the service thread, once the link has ended: the main thread leaves, or is not waited
    for. A second thread, because the stream may be full and no one may read it."""
    try:
        start_thread(kill_after, (link, GRACE + 1))
    except RuntimeError:  # the main thread is on its way out, and has said EXIT
        kill_after(link, GRACE)
    wait_out(link, GRACE)
    link.say_exit(1)
    os._exit(1)


def kill_after(link, seconds):
    wait_out(link, seconds)
    os._exit(1)


def wait_out(link, seconds):
    time.sleep(seconds)
    while link.gateway.staying:
        time.sleep(0.1)
