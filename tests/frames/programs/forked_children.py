"""Forked processes, which are waited for by their numbers: not left while there is one."""
import os
import sys
import time

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def child(seconds, code):
    pid = os.fork()
    if pid == 0:
        time.sleep(seconds)
        os._exit(code)
    return pid


def wait(pid):
    return os.WEXITSTATUS(os.waitpid(pid, 0)[1])


for turn in range(ROUNDS):
    checkpoint()
    pid = child(0.01, 7)
    attempt()
    print(wait(pid))
    checkpoint()
    pids = [child(0, code) for code in range(3)]
    time.sleep(0.01)
    attempt()
    print([wait(pid) for pid in pids])
    checkpoint()
    pid = os.spawnv(os.P_NOWAIT, "/bin/sh", ["sh", "-c", "exit 5"])
    attempt()
    print(wait(pid))
    checkpoint()
    print(os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", "exit 6"]))
    checkpoint()
