"""A worker's life: takes the streams, says HELLO, serves, says EXIT. Called by stage0.py."""

import os
import sys
import time

from worker.errors import error_text
from worker.execution import Execution, flush_output, start_thread
from worker.link import HELLO, Link
from worker.native import native_link
from worker.streams import take_streams, write_some
from worker.values import TEXT, dumps

WIRE = 1
GRACE = 5  # seconds for code that runs when the link ends


def serve(marker, early):
    """`marker` goes first, for the controller to find the beginning; `early` was read already."""
    source, sink = take_streams()
    link = Link(source, sink, early)
    execution = Execution(link)
    code = 0
    try:
        write_some(sink, marker)
        link.send(HELLO, 0, dumps(describe_here(marker[-4:]))[0])
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


def describe_here(magic):
    """The HELLO, without importing what is slow to import."""
    try:
        uname = os.uname()
    except (AttributeError, OSError):
        uname = ("", "", "", "", "")
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        libc = ""
    hello = {
        "wire": WIRE,
        "python": tuple(sys.version_info[:3]),
        "implementation": implementation(),
        "executable": sys.executable or "",
        "platform": sys.platform,
        "machine": uname[4],
        "libc": libc,
        "tag": extension_tag(),
        "pid": os.getpid(),
        "cwd": current_folder(),
        "hostname": uname[1],
        "maxint": sys.maxsize,
    }
    hello = dict((TEXT(key), as_sent(value)) for key, value in hello.items())
    hello[TEXT("magic")] = magic
    return hello


def as_sent(value):
    if isinstance(value, bytes):  # Python 2
        return value.decode("utf-8", "replace")
    if isinstance(value, TEXT):  # an undecodable byte of a path
        return value.encode("utf-8", "replace").decode("utf-8")
    return value


def implementation():
    if hasattr(sys, "implementation"):
        return sys.implementation.name
    if sys.platform.startswith("java"):
        return "jython"
    return "pypy" if hasattr(sys, "pypy_version_info") else "cpython"


def extension_tag():
    """ "cpython-312-x86_64-linux-gnu" of "_elsewhere.cpython-312-x86_64-linux-gnu.so"."""
    try:
        import _imp

        return _imp.extension_suffixes()[0].split(".")[1]
    except (ImportError, AttributeError, IndexError):
        return ""


def current_folder():
    try:
        return os.getcwd()
    except OSError:
        return ""
