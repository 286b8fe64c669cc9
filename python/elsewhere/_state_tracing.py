"""Trace functions, profilers and the tools of sys.monitoring.

Captured and restored while events are off. They are restored last of all, when the whole stack is
in place: setting them instruments the code of the frames on it.
"""

from __future__ import annotations

import sys

from elsewhere import _elsewhere

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType
    from typing import Any

_TOOLS = range(6)
# Lists that classes of coverage keep; but for these and breakpoints, nothing of a library's classes
# is the program's.
_COVERAGE = (
    ("coverage.collector", "Collector", "_collectors"),
    ("coverage.control", "Coverage", "_instances"),
)
_BREAKPOINTS = ("next", "bplist", "bpbynumber")  # of bdb.Breakpoint: all that debuggers have set
_GENERATORS = {"generator": "gi", "coroutine": "cr", "async_generator": "ag"}
monitoring: Any = getattr(sys, "monitoring", None)  # from 3.12 on


def capture_tracing() -> dict[str, Any] | None:
    """What traces the program, and what tools for that know while they do not; or None."""
    kept: dict[str, Any] = {}
    if "coverage" in sys.modules and any(_coverage_lists()):
        kept["coverage"] = [list(one) for one in _coverage_lists()]
    if "bdb" in sys.modules and (breakpoints := sys.modules["bdb"].Breakpoint).next != 1:
        kept["breakpoints"] = {name: getattr(breakpoints, name) for name in _BREAKPOINTS}
    tools = {} if monitoring is None else _tools()
    in_c = _in_c()
    functions = {"trace": sys.gettrace(), "profile": sys.getprofile()}
    threading = sys.modules.get("threading")
    for name in ("_trace_hook", "_profile_hook"):
        functions[name] = getattr(threading, name, None)
    # A tracer that is off for a moment: the frames that it watches know of it.
    known = "coverage" in sys.modules or "bdb" in sys.modules
    may_return = known or _elsewhere.frames_are_traced()
    if not tools and not in_c and not any(functions.values()) and not may_return:
        return None
    frames = [
        (f.f_trace, f.f_trace_lines, f.f_trace_opcodes, _more_locals(f), _told_line(f))
        for f in _frames()
    ]
    usual = (None, True, False, None, None)
    while frames and frames[-1] == usual:
        frames.pop()
    kept.update((name, value) for name, value in functions.items() if value is not None)
    if in_c:
        kept["in_c"] = (in_c, _elsewhere.is_traced_in_c())
    if tools:
        kept["tools"] = tools
    if frames:
        kept["frames"] = frames
    if waiting := list(_waiting_frames()) if functions["trace"] or frames else []:
        kept["waiting"] = waiting
    return kept or None


def _in_c() -> list[Any]:
    """The trace functions that C code has set, or would."""
    if "coverage.tracer" not in sys.modules:
        return []
    from elsewhere import _state_c_tracers

    return _state_c_tracers.capture(list(_frames()))


def _more_locals(frame: FrameType) -> dict[str, Any] | None:
    """What a debugger has put among a function's locals (`__return__`): a dict of its own."""
    code = frame.f_code
    # Until 3.12 it is among them like any other.
    if sys.version_info < (3, 13) or not code.co_flags & 1:  # CO_OPTIMIZED
        return None
    own = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    return {name: value for name, value in frame.f_locals.items() if name not in own} or None


def _told_line(frame: FrameType) -> int | None:
    """On 3.9 a frame with a tracer says that it is in the line that the tracer was told last."""
    return None if sys.version_info >= (3, 10) or frame.f_trace is None else frame.f_lineno


def _coverage_lists() -> list[list[Any]]:
    classes = [(getattr(sys.modules.get(m), c, None), name) for m, c, name in _COVERAGE]
    return [getattr(cls, name, []) for cls, name in classes]


def _frames() -> Iterator[FrameType]:
    """Of the program, the innermost first: ours are on top of them."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("elsewhere._state"):
        frame = frame.f_back
    while frame is not None:
        yield frame
        frame = frame.f_back or _elsewhere.outer_frame(frame)


def _waiting_frames() -> Iterator[tuple[Any, Any, bool, bool]]:
    """Of generators and coroutines that wait, those with a trace function of their own."""
    import gc

    for thing in gc.get_objects():
        prefix = _GENERATORS.get(type(thing).__name__)
        if prefix is None or type(thing).__module__ != "builtins":
            continue
        if getattr(thing, prefix + "_running"):
            continue
        frame = getattr(thing, prefix + "_frame")
        if frame is not None and frame.f_trace is not None:
            yield thing, frame.f_trace, frame.f_trace_lines, frame.f_trace_opcodes


def _tools() -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for tool in _TOOLS:
        name = monitoring.get_tool(tool)
        if name is None:
            continue
        callbacks = {}
        for bit in _event_bits():
            function = monitoring.register_callback(tool, bit, None)
            if function is not None:
                monitoring.register_callback(tool, bit, function)
                callbacks[bit] = _their_own(function)
        found[tool] = {
            "name": name,
            "callbacks": callbacks,
            "events": monitoring.get_events(tool),
            "local": [],
        }
    if found:
        for holder, code in _all_code():
            for tool, kept in found.items():
                events = monitoring.get_local_events(tool, code)
                if events:
                    kept["local"].append((holder, events))
    return found


def _their_own(function: Any) -> Any:
    if type(function) in (_Heard, _Raised):
        if function.certain:
            from elsewhere.errors import Refused

            raise Refused("a callback of sys.monitoring is about to be called", "try again")
        return function.function
    return function


def _event_bits() -> list[int]:
    events = vars(monitoring.events)
    # From 3.14 on it is both of the others, and to set it is to set these, in another way.
    left_out = "BRANCH" if "BRANCH_LEFT" in events else None
    return sorted(
        bit for name, bit in events.items() if type(bit) is int and bit > 0 and name != left_out
    )


def _all_code() -> list[tuple[Any, CodeType]]:
    """Each code object that something holds, with its function where it has one."""
    import gc

    code_type = type(_all_code.__code__)
    found: dict[int, tuple[Any, CodeType]] = {}

    def add(code: CodeType, holder: Any) -> None:
        if id(code) in found:
            return
        found[id(code)] = (holder, code)
        for constant in code.co_consts:
            if type(constant) is code_type:
                add(constant, constant)

    everything = gc.get_objects()
    function_type = type(_all_code)
    for thing in everything:
        if type(thing) is function_type:
            found[id(thing.__code__)] = (thing, thing.__code__)
    for _, code in list(found.values()):
        for constant in code.co_consts:
            if type(constant) is code_type:
                add(constant, constant)
    for thing in gc.get_referents(*everything):
        if type(thing) is code_type:
            add(thing, thing)
    for frame in _frames():
        add(frame.f_code, frame.f_code)
    return list(found.values())


def restore(kept: dict[str, Any]) -> None:
    """Sets them again; every frame of the program is on the stack."""
    for frame, (trace, lines, opcodes, more, told) in zip(_frames(), kept.get("frames", ())):
        if more is not None:
            frame.f_locals.update(more)
        _watch(frame, trace, lines, opcodes)
        if told is not None:
            _elsewhere.set_told_line(frame, told)
    for generator, trace, lines, opcodes in kept.get("waiting", ()):
        frame = getattr(generator, _GENERATORS[type(generator).__name__] + "_frame")
        _watch(frame, trace, lines, opcodes)
    threading = sys.modules.get("threading")
    for name in ("_trace_hook", "_profile_hook"):
        if name in kept and threading is not None:
            setattr(threading, name, kept[name])
    for values, now in zip(kept.get("coverage", ()), _coverage_lists()):
        now[:] = values
    if "breakpoints" in kept:
        import bdb

        for name, value in kept["breakpoints"].items():
            setattr(bdb.Breakpoint, name, value)
    for tool, one in kept.get("tools", {}).items():
        _restore_tool(tool, one)
    if "profile" in kept:
        sys.setprofile(kept["profile"])
    if "in_c" in kept:
        from elsewhere import _state_c_tracers

        tracers, is_current = kept["in_c"]
        _state_c_tracers.restore(tracers, list(_frames()), kept.get("trace"), is_current)
    elif "trace" in kept:
        sys.settrace(kept["trace"])


def _watch(frame: FrameType, trace: Any, lines: bool, opcodes: bool) -> None:
    if trace is not None:
        frame.f_trace = trace
    if not lines:
        frame.f_trace_lines = False
    if opcodes:
        frame.f_trace_opcodes = True


def _number_code_again(function: Any) -> None:
    """coverage's sysmon core finds what it knows of a code object by its id, which is a new one."""
    owner = getattr(function, "__self__", None)
    infos, codes = getattr(owner, "code_infos", None), getattr(owner, "code_objects", None)
    if type(infos) is dict and type(codes) is list and len(infos) == len(codes):
        renumbered = dict(zip(map(id, codes), infos.values(), strict=True))
        infos.clear()
        infos.update(renumbered)


def _restore_tool(tool: int, kept: dict[str, Any]) -> None:
    monitoring.use_tool_id(tool, kept["name"])
    for function in {id(getattr(f, "__self__", f)): f for f in kept["callbacks"].values()}.values():
        _number_code_again(function)
    for bit, function in kept["callbacks"].items():
        monitoring.register_callback(tool, bit, function)
    monitoring.set_events(tool, kept["events"])
    for holder, events in kept["local"]:
        monitoring.set_local_events(tool, getattr(holder, "__code__", holder), events)


def line_event(code: CodeType, line: int) -> None:
    """Tell the tools that `line` begins: the eval loop does not."""
    bit = monitoring.events.LINE
    for _, function in _listening(bit, code):
        function(code, line)  # DISABLE is not heeded: the next time it is asked again


class _Heard:
    """In the place of a callback that has been told of an event already, until this comes."""

    def __init__(self, tool: int, bit: int, function: Any, what: tuple[Any, ...]) -> None:
        self.tool, self.bit, self.function = tool, bit, function
        self.what = what
        self.certain = bit not in (monitoring.events.LINE, monitoring.events.INSTRUCTION)

    def __call__(self, *event: Any) -> Any:
        monitoring.register_callback(self.tool, self.bit, self.function)
        if event[: len(self.what)] == self.what:
            return None
        return self.function(*event)


def heard_line(code: CodeType, line: int) -> None:
    """A tool has been told that `line` begins; the eval loop will say so once more."""
    _not_again(monitoring.events.LINE, code, line)


def heard_instruction(code: CodeType, offset: int) -> None:
    _not_again(monitoring.events.INSTRUCTION, code, offset)


def heard_start(code: CodeType, offset: int) -> None:
    _not_again(monitoring.events.PY_START, code, offset)
    _nor_its_instruction(code, offset)


def heard_resume(code: CodeType, offset: int) -> None:
    _not_again(monitoring.events.PY_RESUME, code, offset)
    _nor_its_instruction(code, offset)


def heard_return(code: CodeType, offset: int) -> None:
    _not_again(monitoring.events.PY_RETURN, code, offset)
    _nor_its_instruction(code, offset)


def heard_raise(code: CodeType, raised: tuple[Any, BaseException, Any]) -> None:
    bit = monitoring.events.RAISE
    for tool, function in _listening(bit, code):
        monitoring.register_callback(tool, bit, _Raised(tool, bit, function, (code, raised)))


class _Raised(_Heard):
    """The exception has its traceback again, and not one with another entry for this frame."""

    def __call__(self, *event: Any) -> Any:
        monitoring.register_callback(self.tool, self.bit, self.function)
        code, (_, exception, traceback) = self.what
        if event[0] is not code or event[2] is not exception:
            return self.function(*event)
        exception.__traceback__ = traceback


def _nor_its_instruction(code: CodeType, offset: int) -> None:
    """It comes first, where somebody wants it."""
    for _ in _listening(monitoring.events.INSTRUCTION, code):
        return heard_instruction(code, offset)


def _listening(bit: int, code: CodeType) -> list[tuple[int, Any]]:
    """The tools that are told of an event, with their callbacks."""
    found = []
    for tool in _TOOLS:
        if monitoring.get_tool(tool) is None:
            continue
        if not (monitoring.get_events(tool) | monitoring.get_local_events(tool, code)) & bit:
            continue
        function = monitoring.register_callback(tool, bit, None)
        if function is not None:
            monitoring.register_callback(tool, bit, function)
            found.append((tool, function))
    return found


def _not_again(bit: int, code: CodeType, number: int) -> None:
    for tool, function in _listening(bit, code):
        monitoring.register_callback(tool, bit, _Heard(tool, bit, function, (code, number)))


def not_thrown(code: CodeType, _: int) -> None:
    """The next PY_THROW is no throw(): an exception goes on in a frame that was rebuilt."""
    bit = monitoring.events.PY_THROW
    for tool in _TOOLS:
        if monitoring.get_tool(tool) is None or not monitoring.get_events(tool) & bit:
            continue
        function = monitoring.register_callback(tool, bit, None)
        if function is not None:
            monitoring.register_callback(tool, bit, _once(tool, bit, function))


def _once(tool: int, bit: int, function: Any) -> Any:
    def swallow(*_: Any) -> None:
        monitoring.register_callback(tool, bit, function)

    return swallow
