"""What CPython itself needs for what a gateway does, with nothing said: prints it as JSON."""

import json
import marshal
import os
import statistics
import subprocess
import sys

from gateways import serializing
from many import COUNT, clock, shared_size


def forked(count):
    """Children of this interpreter that have answered; gives their pids, then ends them."""
    asked, answers = os.pipe(), os.pipe()
    pids = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            os.close(asked[1])
            os.write(answers[1], b"x")
            os.read(asked[0], 1)
            os._exit(0)
        pids.append(pid)
    left = count
    while left:
        left -= len(os.read(answers[0], left))
    return pids, (*asked, *answers)


def end(pids, descriptors):
    for descriptor in descriptors:
        os.close(descriptor)
    for pid in pids:
        os.waitpid(pid, 0)


def started(count):
    """So many interpreters at once, until they have answered."""
    command = [sys.executable, "-c", "print()"]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    for child in children:
        child.communicate()


def measure():
    found = {
        "start": statistics.median(clock(lambda: started(1))[0] for _ in range(5)),
        "100 cold": clock(lambda: started(COUNT))[0],
        **serializing(marshal),
    }
    starts = []
    for _ in range(20):
        took, (pids, descriptors) = clock(lambda: forked(1))
        starts.append(took)
        end(pids, descriptors)
    found["warm start"] = statistics.median(starts)
    found["100 warm"], (pids, descriptors) = clock(lambda: forked(COUNT))
    found["pss"] = shared_size(pids)
    end(pids, descriptors)
    return found


if __name__ == "__main__":
    print(json.dumps(measure()))
