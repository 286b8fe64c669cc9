"""What it costs to go through another gateway, for one library; prints it as JSON.

usage: relay.py elsewhere|execnet
"""

import importlib
import json
import sys

from gateways import ECHO, SINK, SIZES, SOURCE, clock, round_trip


def measure(library):
    group = importlib.import_module(library).Group()
    found = {}
    item, count = SIZES["64 KiB"]
    group.makegateway("popen//id=hub")
    for name, spec in ("near", "popen"), ("leaf", "popen//via=hub"):
        gateway = group.makegateway(spec)
        echo = gateway.remote_exec(ECHO)
        found[f"{name} trip"] = round_trip(echo.send, echo.receive)
        sink, source = gateway.remote_exec(SINK), gateway.remote_exec(SOURCE)

        def give(sink=sink):
            sink.send(count)
            for _ in range(count):
                sink.send(item)
            sink.receive()

        def take(source=source):
            source.send((count, item))
            for _ in range(count):
                source.receive()

        found[f"{name} there"] = count / clock(give)
        found[f"{name} back"] = count / clock(take)
    group.terminate(5)
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
