"""Moves with so many bytes in a variable, and prints the seconds that the move took."""

import os
import sys
import time

import elsewhere

data = os.urandom(1 << 20) * int(sys.argv[2])
began = time.time()
elsewhere.teleport(sys.argv[1])
print(time.time() - began)
