"""Errors of the other side, and the text of ours for it."""

import sys

from worker.values import TEXT

INTERRUPTED = "keyboard-interrupted"


class RemoteError(Exception):
    """Exception containing a stringified error from the other side."""

    def __init__(self, formatted):
        Exception.__init__(self)
        self.formatted = formatted

    def __str__(self):
        return self.formatted

    def __repr__(self):
        return "%s: %s" % (self.__class__.__name__, self.formatted)

    def warn(self):
        if self.formatted != INTERRUPTED:
            sys.stderr.write("Warning: unhandled %r\n" % (self,))


def as_text(error):
    return (
        error
        if isinstance(error, TEXT)
        else (error.decode("utf-8", "replace") if isinstance(error, bytes) else TEXT(error))
    )


def error_text(source=None, name=None):
    """The traceback of the exception that is handled now, without our own frames. The lines of
    `source`, the code that was sent, are shown as if it were the file `name`."""
    import linecache
    import traceback

    if source is not None:
        register_source(linecache, source, name)
    kind, value, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    try:
        lines = traceback.format_exception(kind, value, trace)
        if trace is None:  # the source itself is wrong
            lines.insert(0, "Traceback (most recent call last):\n")
        return "".join(lines)
    except Exception:  # a __str__ that raises, on an old Python
        return "%s: no text" % kind.__name__
    finally:
        del trace


def register_source(linecache, source, name):
    lines = [line + "\n" for line in source.splitlines()]
    linecache.cache[name] = (len(source), None, lines, name)
