"""Trace functions that C code has set (PyEval_SetTrace): those that are known, how they go on.

What such a tracer is to do can be read from its members (elsewhere._keep.tracers). What it knows of
the frames on the stack cannot; but it has that from the events of their calls, and learns it again
from the same events. What it notes at this is taken away: it has noted it before.
"""

from __future__ import annotations

import sys

from elsewhere import _elsewhere
from elsewhere.errors import Refused

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

# Module → type.
KNOWN = {"coverage.tracer": "CTracer"}
# Without these it is of another make than we know.
_NEEDED = ("data", "trace_arcs", "lock_data", "should_trace_cache", "start", "activity")
_BITS = (28, 20)  # of one line in a pair of them: in newer versions, and in older ones
_NO_LINE = (1 << min(_BITS)) - 1
# What is not to be called when an event comes again. The lock may be held.
_QUIET = ("lock_data", "unlock_data", "switch_context")


def is_known(tracer: Any) -> bool:
    kind = type(tracer)
    found = (getattr(sys.modules.get(module), name, None) for module, name in KNOWN.items())
    return kind in found and all(hasattr(kind, name) for name in _NEEDED)


def is_running(tracer: Any) -> bool:
    """One that was stopped removes the trace function at the next event, which this one is."""
    current, in_c = sys.gettrace(), _elsewhere.is_traced_in_c()
    was_active = tracer.activity()
    tracer.reset_activity()
    tracer(sys._getframe(), "exception", None)
    running: bool = tracer.activity()
    if running and not was_active:
        tracer.reset_activity()
    if not running:
        if was_active:
            make_active(tracer)
            tracer.stop()
        _set_again(None if current is tracer else current, in_c and current is not tracer)
    return running


def make_active(tracer: Any) -> None:
    """Starts it: a stopped one, too, is asked whether there is anything to be saved."""
    tracer.start()
    tracer(sys._getframe(), "exception", None)


def _set_again(tracer: Any, in_c: bool) -> None:
    if in_c:
        tracer.start()
    else:
        sys.settrace(tracer)


def capture(frames: list[FrameType]) -> list[tuple[Any, list[int | None]]]:
    """Those that run, and for each frame the line that they were told of last.

    0: of no line, None: not even of the call. A stopped one that is still set is no more then.
    """
    found: dict[int, Any] = {}
    for tracer in (sys.gettrace(), *(frame.f_trace for frame in frames)):
        if tracer is not None and id(tracer) not in found and is_known(tracer):
            found[id(tracer)] = tracer
    running = [tracer for tracer in found.values() if is_running(tracer)]
    if running:
        _refuse_paused()
    return [(tracer, _lines(tracer, frames)) for tracer in running]


def _lines(tracer: Any, frames: list[FrameType]) -> list[int | None]:
    lines = [_line_of(frame) if frame.f_trace is tracer else None for frame in frames]
    top = next((i for i, line in enumerate(lines) if line is not None), None)
    if top is not None and lines[top] and tracer.trace_arcs:
        lines[top] = _noted(tracer, frames[top]) or lines[top]
    return lines


def _line_of(frame: FrameType) -> int | None:
    import opcode

    at, code = frame.f_lasti, frame.f_code.co_code
    if at < 0:
        return 0
    if code[at] == opcode.opmap.get("RESUME"):  # None before 3.11
        if sys.version_info[:2] != (3, 12):
            return None  # it looks for signals ahead of its event: a generator that goes on
        if code[at + 1] == 0:
            return 0
    return frame.f_lineno or 0


def _noted(tracer: Any, frame: FrameType) -> int:
    """The line that it has noted, of the innermost frame that it knows; 0: not to be had.

    That frame may have gone on while the tracer was not set. To a line that is none it notes the
    way from that one: a pair in one number.
    """
    if _asks_plugin(tracer, frame):
        return 0
    known = {name: set(found) for name, found in tracer.data.items()}
    _tell_of(tracer, _NO_LINE)
    for name, found in tracer.data.items():
        for pair in found - known.get(name, set()):
            for bits in _BITS:
                if pair >> bits & (1 << bits) - 1 != _NO_LINE:
                    continue
                found.discard(pair)
                first = pair & (1 << bits) - 1
                last = first if pair >> 2 * bits == 0 else frame.f_lineno or 0
                _tell_of(tracer, last)
                found.discard(last << bits | _NO_LINE)
                return last
    return 0


def _refuse_paused() -> None:
    """One that another of its kind has paused has entries of calls that have long returned."""
    collector = getattr(sys.modules.get("coverage.collector"), "Collector", None)
    paused = getattr(collector, "_collectors", [])[:-1]
    if any(is_known(tracer) for one in paused for tracer in getattr(one, "tracers", ())):
        raise Refused(
            "coverage is measured within coverage, whose C tracer is paused",
            "run the outer one with COVERAGE_CORE=pytrace, or stop the inner one",
        )


def restore(
    kept: list[tuple[Any, list[int | None]]], frames: list[FrameType], current: Any, in_c: bool
) -> None:
    """Starts them again; the frames are on the stack, the innermost first."""
    for tracer, lines in kept:
        _go_on(tracer, frames, lines)
    _set_again(current, in_c)


def _go_on(tracer: Any, frames: list[FrameType], lines: list[int | None]) -> None:
    members = {name: getattr(tracer, name) for name in _QUIET if hasattr(tracer, name)}
    noted = {name: set(found) for name, found in tracer.data.items()} if tracer.trace_arcs else {}
    try:
        for name in members:
            setattr(tracer, name, _nothing)
        tracer.start()
        for frame, line in reversed(list(zip(frames, lines))):
            if line is not None:
                tracer(frame, "call", None)
                if line and tracer.trace_arcs:
                    _begin(tracer, frame, line)
    finally:
        for name, member in members.items():
            setattr(tracer, name, member)
        for name, found in noted.items():
            tracer.data[name].intersection_update(found)


def _nothing(*_: Any) -> None:
    return None


def _begin(tracer: Any, frame: FrameType, line: int) -> None:
    if _asks_plugin(tracer, frame):
        tracer(frame, "line", None)
    else:
        _tell_of(tracer, line)  # the frame may not say so any more, or not yet


def _asks_plugin(tracer: Any, frame: FrameType) -> bool:
    disposition = tracer.should_trace_cache.get(frame.f_code.co_filename)
    return getattr(disposition, "file_tracer", None) is not None


def _tell_of(tracer: Any, line: int) -> None:
    """That it begins, by a frame that is in it."""
    _Function(_tell.__code__.replace(co_firstlineno=line - 1), globals())(tracer)


def _tell(tracer: Any) -> None:
    tracer(sys._getframe(), "line", None)  # the line behind that of the def


_Function: Any = type(_tell)
