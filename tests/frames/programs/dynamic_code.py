"""exec and eval with namespaces of their own, compiled code that calls back."""
import sys
import warnings

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SOURCE = '''
def helper(x):
    checkpoint()
    return x * factor + len(__name__)

results = []
for i in range(10):
    results.append(helper(i))
    checkpoint()
'''


def calculated(text, n):
    names = {"n": n, "checkpoint": checkpoint, "square": lambda x: (checkpoint(), x * x)[1]}
    return eval(text, {"__builtins__": {"max": max}}, names)


code = compile(SOURCE, "<generated>", "exec")
for turn in range(150 * ROUNDS):
    space = {"factor": turn % 6, "checkpoint": checkpoint, "__name__": "generated"}
    exec(code, space)
    value = calculated("square(n) + max(n, square(2)) - (checkpoint() or 1)", turn)
    local = {}
    exec("a = 5\nfor b in range(4):\n    a += b\n    checkpoint()", globals(), local)
    if turn % 30 == 0:
        print(space["results"], value, local, space["helper"](turn), sorted(space)[:2])
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    exec("x = 1 is 1\ncheckpoint()\nprint(x)")
    print(eval(b"(checkpoint(), 2 is 2)[1]"), *[warning.message for warning in seen])
exec("x = 3 is 3\ncheckpoint()")
try:
    exec("def broken():\n    return 1 / 0\nbroken()", {})
except ZeroDivisionError as error:
    checkpoint()
    print(error.__traceback__.tb_next.tb_next.tb_frame.f_code.co_filename)
