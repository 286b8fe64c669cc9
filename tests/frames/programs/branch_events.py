# needs Python 3.14
"""A tool of sys.monitoring that hears of both ways of a branch, each by a callback of its own."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
monitoring = sys.monitoring
E = monitoring.events
TOOL = 4
events = []


def left(code, source, destination):
    events.append(("left", code.co_name, destination - source > 0))


def right(code, source, destination):
    events.append(("right", code.co_name, destination - source > 0))


def work(n):
    got = []
    for i in range(n):
        if i % 2:
            got.append(i)
        checkpoint()
    while n > 2:
        n -= 1
    return got if n else None


monitoring.use_tool_id(TOOL, "branches")
monitoring.register_callback(TOOL, E.BRANCH_LEFT, left)
monitoring.register_callback(TOOL, E.BRANCH_RIGHT, right)
monitoring.set_local_events(TOOL, work.__code__, E.BRANCH_LEFT | E.BRANCH_RIGHT)
for turn in range(10 * ROUNDS):
    events.clear()
    got = work(turn % 5)
    print(turn, got, *events)
monitoring.set_local_events(TOOL, work.__code__, 0)
monitoring.free_tool_id(TOOL)
