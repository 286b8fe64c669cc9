"""More than 255 locals, constants, names and jumps over more than 255 instructions (EXTENDED_ARG)."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
COUNT = 300

lines = ["def wide(n, step):"]
lines += [f"    v{i} = n + {i * 1000 + 1}" for i in range(COUNT)]
lines += ["    for turn in range(4):"]
lines += [f"        v{i} = step(v{i}, v{COUNT - 1 - i}) if turn else v{i} ^ {i}" for i in range(COUNT)]
lines += ["        if turn == 2:", "            checkpoint()"]
lines += [f"    def inner(): return v{COUNT - 1} + v{COUNT // 2}"]
lines += ["    checkpoint()"]
lines += ["    return inner() + sum((" + ", ".join([f"v{i}" for i in range(COUNT)]) + "))"]
lines += [f"name{i} = {i}.5" for i in range(COUNT)]
exec(compile("\n".join(lines), "<wide>", "exec"))


def step(a, b):
    if a % 400 == 0:
        checkpoint()
    return (a * 3 + b) % 1009


for turn in range(20 * ROUNDS):
    result = wide(turn, step)
    if turn % 5 == 0:
        print(turn, result, name0 + name299, wide.__code__.co_nlocals)
