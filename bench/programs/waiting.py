"""Loops until the file named by its argument is there; says when it has begun."""

import os
import sys

open(sys.argv[1] + ".ready", "w").close()
rounds = 0
while not os.path.exists(sys.argv[1]):
    rounds += 1
