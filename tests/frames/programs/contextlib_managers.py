"""contextlib's generator managers, ExitStack, suppress, redirect and closing across a suspend."""
import contextlib
import io
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
depth = 0


@contextlib.contextmanager
def indented(name):
    global depth
    depth += 1
    checkpoint()
    try:
        yield "  " * depth + name
    except ValueError as error:
        checkpoint()
        lines.append(f"caught {error}")
    finally:
        attempt()
        depth -= 1


class Door(contextlib.ContextDecorator):
    def __enter__(self):
        lines.append("open")
        return self

    def __exit__(self, *details):
        lines.append("shut")


@Door()
def room(n):
    checkpoint()
    return n * n


class Tap:
    def close(self):
        lines.append("closed")


for turn in range(150 * ROUNDS):
    lines = []
    with indented("outer") as outer:
        with indented("inner") as inner:
            checkpoint()
            lines.append(inner)
            raise ValueError(turn)
        lines.append(outer)
    with contextlib.ExitStack() as stack:
        for n in range(3):
            lines.append(stack.enter_context(indented(str(n))))
            stack.callback(lines.append, f"callback {n}")
        checkpoint()
    with contextlib.suppress(ZeroDivisionError, KeyError):
        checkpoint()
        {}[turn]
    with contextlib.closing(Tap()), contextlib.nullcontext(5) as five:
        checkpoint()
        lines.append(str(five))
    target = io.StringIO()
    with contextlib.redirect_stdout(target):
        print("hidden", turn)
        checkpoint()
        print("and more")
    lines.append(repr(target.getvalue()))
    lines.append(str(room(turn)))
    if turn % 50 == 0:
        print(turn, depth, *lines, sep="\n")
print("depth", depth)
