"""Starts workers of one library, warm ones and a hundred; prints the figures as JSON.

usage: many.py elsewhere|execnet|mitogen
"""

import json
import os
import statistics
import sys
import time

COUNT = 100
ECHO = "while 1: channel.send(channel.receive())"


def clock(call):
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def shared_size(pids):
    """Proportional set size in bytes: pages that processes share count for each in part."""
    sizes = []
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            sizes += [int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:")]
    return statistics.mean(sizes)


def first_echo(group):
    channel = group.makegateway("popen").remote_exec(ECHO)
    channel.send(1)
    return channel.receive()


def of_elsewhere():
    import elsewhere

    found = {}
    found["100 cold"], group = clock(lambda: elsewhere.Group(["popen"] * COUNT))
    found["pss"] = shared_size([gateway.facts["pid"] for gateway in group])
    group.terminate(20)
    if not elsewhere.prestart():
        raise SystemExit("this interpreter is not to be forked")
    found["100 warm"], group = clock(lambda: elsewhere.Group(["popen"] * COUNT))
    group.terminate(20)
    starts = [clock(lambda: first_echo(group))[0] for _ in range(20)]
    found["warm start"] = statistics.median(starts)
    group.terminate(20)
    return found


def of_execnet():
    import execnet

    found = {}
    found["100 cold"], group = clock(lambda: execnet.Group(["popen"] * COUNT))
    found["pss"] = shared_size([gateway._rinfo().pid for gateway in group])
    group.terminate(20)
    return found


def of_mitogen():
    import mitogen.master

    broker = mitogen.master.Broker()
    router = mitogen.master.Router(broker)
    try:
        found = {}

        def start(way):
            context = way()
            context.call(os.getpid)
            return context

        def local():
            return router.local(python_path=sys.executable)

        start(local)
        found["start"], context = clock(lambda: start(local))
        trips = [clock(lambda: context.call(os.getpid))[0] for _ in range(500)]
        found["round trip"] = statistics.median(trips)
        start(router.fork)
        found["warm start"] = statistics.median(
            clock(lambda: start(router.fork))[0] for _ in range(20)
        )
        found["100 warm"], contexts = clock(lambda: [start(router.fork) for _ in range(COUNT)])
        found["pss"] = shared_size([context.call(os.getpid) for context in contexts])
        return found
    finally:
        broker.shutdown()
        broker.join()


if __name__ == "__main__":
    of = {"elsewhere": of_elsewhere, "execnet": of_execnet, "mitogen": of_mitogen}
    print(json.dumps(of[sys.argv[1]]()), flush=True)
    os._exit(0)  # how libraries end is not what is measured
