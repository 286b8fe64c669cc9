"""argv, cwd, recursion limit, warnings filters, environment, sys.path and stdout survive."""
import os
import sys
import warnings

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

start = os.getcwd()
os.makedirs("below", exist_ok=True)
os.chdir("below")
sys.setrecursionlimit(1234)
sys.argv.append("added")
sys.path.append("somewhere")
os.environ["OWN_VARIABLE"] = "set"
warnings.simplefilter("error", DeprecationWarning)
umask = os.umask(0o027)
builtins_id = id
print = print
for turn in range(4000 * ROUNDS):
    if turn % 200 == 0:
        checkpoint()
        with open(f"file{turn % 3}", "w") as made:
            made.write(str(turn))
    if turn % 1000 == 0:
        print(turn, os.path.basename(os.getcwd()), sys.getrecursionlimit(), sys.argv[1:], sys.path[-1])
try:
    warnings.warn("old", DeprecationWarning)
except DeprecationWarning as error:
    print("raised", error)
print(os.environ["OWN_VARIABLE"], os.path.dirname(os.getcwd()) == start, sorted(os.listdir()))
print(oct(os.stat("file0").st_mode & 0o777), "ELSEWHERE_RUN" in os.environ, __name__, __file__ == sys.argv[0])
