"""Says hi here and bye there: `python hi_bye.py SPEC`, e.g. ssh=user@host."""

import sys
from os import getpid
from socket import gethostname

import elsewhere


def log(*words):
    print(f"[{gethostname()}/{getpid()}]", *words, flush=True)


log("hi")
elsewhere.teleport(sys.argv[1])
log("bye")
