"""What a worker says of itself."""

import os
import sys

from worker.values import TEXT

WIRE = 1


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
