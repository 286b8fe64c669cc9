"""A worker's life after its HELLO: serves, says EXIT. Called by stage0.py."""

import os
import sys
import time

from worker.ahead import early, marker
from worker.errors import error_text
from worker.execution import Execution, flush_output
from worker.greeting import greet, streams
from worker.link import Link
from worker.mailbox import start_thread
from worker.native import ThreadingFinder, native_link

GRACE = 5  # seconds for code that runs when the link ends


def serve():
    ends, unread = streams, early
    if ends is None:
        become_zygote()
        ends, unread = greet(b"", marker[-4:]), b""
    link = Link(ends[0], ends[1], unread)
    link.sent = 1  # HELLO
    execution = Execution(link)
    code = 0
    try:
        native = execution.link = native_link(link, execution)
        if native is link:
            import threading  # noqa: F401  # as late as this, for the first task is on its way now
        elif "threading" not in sys.modules:
            sys.meta_path.insert(0, ThreadingFinder())
        hello, link = link.hello or {}, native
        # Until now none was written.
        sys.dont_write_bytecode = bool(
            hello.get("dont_write_bytecode", sys.flags.dont_write_bytecode)
        )
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


def become_zygote():
    """Returns in a child. Alone, because Jython has no exec where there are free variables."""
    _, engine, source, given = early.split(b"\0", 3)
    exec(compile(source, "<elsewhere zygote>", "exec", 0, True), globals())
    wait_as_zygote(marker, engine, given)  # noqa: F821  # of worker/zygote.py


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
