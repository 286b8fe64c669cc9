"""What a program hangs on modules that are not its own is there after a resume."""
import collections
import json
import os
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Registry(dict):
    pass


sys.own_list = [1, 2]
sys.own_table = collections.Counter("abca")
sys.own_registry = Registry(key="value")
held = sys.own_list
argv, path, modules = sys.argv, sys.path, sys.modules
orig_argv = getattr(sys, "orig_argv", None)  # from Python 3.10
sys.argv = [*sys.argv, "replaced"]
sys.path.insert(0, os.path.join(os.getcwd(), "vendor"))

for turn in range(1500 * ROUNDS):
    sys.own_list.append(turn)
    sys.own_table[turn % 3] += 1
    if turn % 100 == 0:
        checkpoint()
    if turn % 500 == 0:
        json.dumps({"turn": turn})
        print(turn, sum(held), sys.own_list is held, type(sys.own_registry).__name__)

print(sum(sys.own_list), sys.own_table.most_common(2), sys.own_registry)
print(sys.argv is argv, sys.argv[-1], argv[1:], sys.path is path, path[0] == os.path.join(os.getcwd(), "vendor"))
print(sys.modules is modules, getattr(sys, "orig_argv", None) is orig_argv)
