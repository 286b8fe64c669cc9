# needs Python 3.12
"""Tools of sys.monitoring: global events, events of one code object, callbacks of several tools."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
monitoring = sys.monitoring
E = monitoring.events
TOOL, OTHER = monitoring.DEBUGGER_ID, 4
events = []


def note(kind):
    def callback(code, *details):
        if code.co_filename == __file__ and code.co_name not in ("start", "stop"):
            details = [repr(detail)[:9] for detail in details if type(detail) is not int]
            events.append((kind, code.co_name, *details))

    return callback


def note_line(code, line):
    if code.co_filename == __file__ and code.co_name not in ("start", "stop"):
        events.append(("line", code.co_name, line))


def start():
    monitoring.use_tool_id(TOOL, "noting")
    for name in ("PY_START", "PY_RESUME", "PY_RETURN", "PY_YIELD", "PY_UNWIND", "PY_THROW", "RAISE"):
        monitoring.register_callback(TOOL, getattr(E, name), note(name))
    monitoring.set_events(
        TOOL, E.PY_START | E.PY_RESUME | E.PY_RETURN | E.PY_YIELD | E.PY_UNWIND | E.PY_THROW | E.RAISE
    )
    monitoring.use_tool_id(OTHER, "lines")
    monitoring.register_callback(OTHER, E.LINE, note_line)
    for function in (work, count, nested()):
        monitoring.set_local_events(OTHER, function.__code__, E.LINE)


def stop():
    for tool in (TOOL, OTHER):
        monitoring.set_events(tool, 0)
        for function in (work, count, nested()):
            monitoring.set_local_events(tool, function.__code__, 0)
        for bit in vars(E).values():
            if isinstance(bit, int) and bit:
                monitoring.register_callback(tool, bit, None)
        monitoring.free_tool_id(tool)


def count(n):
    for i in range(n):
        checkpoint()
        yield i


def fails(n):
    checkpoint()
    return 1 // n


def nested():
    def inside(n):
        checkpoint()
        return fails(
            fails(n)
        )

    return inside


def work(n):
    total = 0
    for i in count(n):
        total += i
    try:
        total += fails(
            n % 2
        )
        total += nested()(1)
    except ZeroDivisionError:
        checkpoint()
    return fails(
        1
    ) + fails(
        1
    )


for turn in range(60 * ROUNDS):
    events.clear()
    start()
    got = work(turn % 6)
    checkpoint()
    names = [monitoring.get_tool(tool) for tool in range(6)]
    stop()
    if turn % 10 == 0:
        print(turn, got, names)
        for event in events:
            print("  ", *event)
