"""pdb, left at its prompt wherever it stops: at lines, calls, returns, exceptions, breakpoint()."""
import io
import pdb
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
BACKENDS = [{"backend": "settrace"}, {"backend": "monitoring"}] if sys.version_info >= (3, 14) else [{}]


class Debugger(pdb.Pdb):
    """Its commands are a text; the program is left before each."""

    def __init__(self, commands, **options):
        script = io.StringIO("\n".join(commands.split(";")) + "\n")
        super().__init__(stdin=script, stdout=sys.stdout, nosigint=True, readrc=False, **options)

    def precmd(self, line):
        checkpoint()
        print("<", line)
        return super().precmd(line)


def add(a, b):
    total = a + b
    return total


def fails(n):
    try:
        return [n, add(n, n)][n]
    except IndexError as error:
        return str(error)
    finally:
        n += 1


def counts(n):
    for i in range(n):
        yield i


def stops_itself(n):
    n += 1
    breakpoint()
    n = add(n, 1)
    return n


def ends(n):
    if n:
        breakpoint()


def debugged(commands, function, *args, **options):
    debugger = Debugger(commands, **options)
    sys.breakpointhook = lambda: debugger.set_trace(sys._getframe(1))
    print(commands, function.__name__)
    if function in (stops_itself, ends):
        print("=", function(*args))
    else:
        print("=", debugger.runcall(function, *args))
    debugger.set_quit()
    sys.settrace(None)
    checkpoint()  # no one looks, and the breakpoints are there


for turn in range(ROUNDS):
    for options in BACKENDS:
        debugged("next;next;p total;next;continue", add, turn, 2, **options)
        debugged("s;s;s;p a, b;s;s;where;s;s;s;s;s;s;p n;c", fails, 3, **options)
        debugged("s;return;p n;retval;s;c", fails, 1, **options)
        debugged("next;next;next;next;p i;return;c", lambda: list(counts(3)), **options)
        debugged("next;next;step;p n;return;next;c", stops_itself, 4, **options)
        debugged("where;next;next;c", ends, 1, **options)
        debugged(f"b add;c;p b;up;p n;c", fails, 1, **options)
        debugged("b counts;c", len, "of library")
        if sys.version_info[:2] != (3, 11):  # that has no jump where a program was left
            debugged("s;u;d;j 27;n;c", add, 1, 1, **options)
        try:
            debugged("s;s;q", fails, 3, **options)
        except pdb.bdb.BdbQuit as quitting:
            print(repr(quitting))
            sys.settrace(None)
