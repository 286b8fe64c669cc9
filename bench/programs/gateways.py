"""One round of measurements of channels, for one library; prints them as JSON.

usage: gateways.py elsewhere|execnet|pipe SPEC
"""

import json
import statistics
import sys
import time

ECHO = "while 1: channel.send(channel.receive())"
SINK = "n = channel.receive()\nfor i in range(n): channel.receive()\nchannel.send(1)"
SOURCE = "n, item = channel.receive()\nfor i in range(n): channel.send(item)"
SIZES = {
    "ints": (7, 100_000),
    "1 KiB": (b"x" * 1024, 50_000),
    "64 KiB": (b"x" * 65_536, 3_000),
    "16 MiB": (b"x" * (16 << 20), 8),
}


def clock(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def round_trip(send, receive):
    def once():
        send(7)
        receive()

    return statistics.median(clock(once) for _ in range(3000))


def serializing(module):
    """Seconds for each object of a nested list."""
    nested = [{"k": [i, str(i), float(i), None, (i, i)]} for i in range(11_000)]
    data = module.dumps(nested)
    return {
        "dumps": min(clock(lambda: module.dumps(nested)) for _ in range(3)) / 110_000,
        "loads": min(clock(lambda: module.loads(data)) for _ in range(3)) / 110_000,
    }


def gateways(library, spec):
    import importlib

    module = importlib.import_module(library)
    came = {}

    def start():
        gateway = module.makegateway(spec)
        channel = gateway.remote_exec(ECHO)
        channel.send(1)
        channel.receive()
        came.update(gateway=gateway, channel=channel)

    start()  # what the library imports on its first use is not what is measured
    came["gateway"].exit()
    found = {"start": clock(start)}
    gateway, channel = came["gateway"], came["channel"]
    found["round trip"] = round_trip(channel.send, channel.receive)
    for name, (item, count) in SIZES.items():
        sink = gateway.remote_exec(SINK)
        sink.send(count)

        def give(item=item, count=count, sink=sink):
            for _ in range(count):
                sink.send(item)
            sink.receive()

        source = gateway.remote_exec(SOURCE)

        def take(count=count, source=source):
            for _ in range(count):
                source.receive()

        found[f"{name} there"] = count / clock(give)
        source.send((count, item))
        found[f"{name} back"] = count / clock(take)
    found.update(serializing(module))
    gateway.exit()
    return found


def answer(pipe):
    while True:
        pipe.send(pipe.recv())


def pipe():
    import multiprocessing

    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=answer, args=(there,), daemon=True)
    process.start()
    return {"round trip": round_trip(here.send, here.recv)}


if __name__ == "__main__":
    print(json.dumps(pipe() if sys.argv[1] == "pipe" else gateways(*sys.argv[1:])))
