"""What a worker says of itself."""

import os
import sys

from worker.values import TEXT

WIRE = 1


described = {}  # what describe_python() has found


def describe_here(magic):
    """The HELLO, without importing what is slow to import."""
    hello = dict(describe_python())
    hello[TEXT("magic")] = magic
    for key, value in (
        ("pid", os.getpid()),
        ("cwd", current_folder()),
        ("hostname", system_names()[1]),
    ):
        hello[TEXT(key)] = as_sent(value)
    return hello


def describe_python():
    """What of it is the same in all processes of this interpreter."""
    if described:
        return described
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
        "machine": system_names()[4],
        "libc": libc,
        "tag": extension_tag(),
        "maxint": sys.maxsize,
    }
    described.update((TEXT(key), as_sent(value)) for key, value in hello.items())
    return described


def system_names():
    try:
        return os.uname()
    except (AttributeError, OSError):
        return ("", "", "", "", "")


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
