"""Stands between a gateway and its worker, and puts random bytes among what goes through.

usage: noisy_link.py DIRECTION AT SEED WORD…

DIRECTION is "to" or "from" the worker that WORD… starts; AT, after how many bytes of that.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading


def carry(source: int, sink: int, at: int, seed: str | None) -> None:
    passed = 0
    while True:
        if seed is not None and passed == at:
            noise = random.Random(seed)
            os.write(sink, noise.randbytes(noise.choice([1, 16, 100, 5000])))
            seed = None
        data = os.read(source, at - passed if seed is not None else 1 << 16)
        if not data:
            os.close(sink)
            return
        passed += len(data)
        while data:
            data = data[os.write(sink, data) :]


direction, at, seed, *words = sys.argv[1:]
worker = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert worker.stdin is not None and worker.stdout is not None
ways = {
    "to": (0, os.dup(worker.stdin.fileno())),
    "from": (worker.stdout.fileno(), 1),
}
worker.stdin.close()
for way, (source, sink) in ways.items():
    arguments = (source, sink, int(at), seed if way == direction else None)
    threading.Thread(target=carry, args=arguments, daemon=True).start()
os._exit(worker.wait())
