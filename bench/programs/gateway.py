"""Through a gateway of elsewhere or execnet: `gateway.py elsewhere|execnet start|trip SPEC`."""

import importlib
import sys
import time

peer, what, spec = sys.argv[1:]
began = time.perf_counter()
gateway = importlib.import_module(peer).makegateway(spec)
channel = gateway.remote_exec("while 1: channel.send(channel.receive())")
channel.send(1)
channel.receive()
started = time.perf_counter() - began
trips = []
for number in range(3000 if what == "trip" else 0):
    began = time.perf_counter()
    channel.send(number)
    channel.receive()
    trips.append(time.perf_counter() - began)
print(sorted(trips)[len(trips) // 2] if trips else started, flush=True)
gateway.exit()
