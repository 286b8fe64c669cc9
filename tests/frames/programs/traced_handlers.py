"""Events of exceptions that come to handlers without a line of their own, left on the way to them."""
import sys
from contextlib import contextmanager, suppress

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
events = []


def note(frame, event, argument):
    if frame.f_code.co_filename != __file__ or frame.f_code.co_name[0] == "_":
        return None
    what = argument[0].__name__ if event == "exception" else ""
    events.append((frame.f_code.co_name, event, frame.f_lineno, what))
    return note


async def numbers(n):
    for i in range(n):
        yield i
    checkpoint()


class Raises:
    def __init__(self, n):
        self.n = n

    def __del__(self):
        self.n += 1

    def __iter__(self):
        checkpoint()
        raise ValueError(self.n)

    def __add__(self, other):
        checkpoint()
        raise ValueError(self.n)


def fails(n, *rest):
    checkpoint()
    raise ValueError(n)


async def at_once(n):
    async for i in numbers(n):
        n += i
    return n, [j async for j in numbers(n)]


async def later(n):
    n += 1
    async for i in numbers(2):
        n += i
        n += 1
    else:
        n += 100
    return [
        j
        async for j in numbers(2)
    ]


def in_one_line(n):
    with suppress(ValueError): fails(n)
    return n


def in_the_first_line(n):
    with suppress(ValueError): list(Raises(n))
    return n


def by_an_operator(n):
    with suppress(ValueError): Raises(n) + n
    with suppress(ValueError): n = Raises(n) + n
    return n


def in_several_lines(n):
    with suppress(ValueError):
        fails(
            n,
            Raises(
                n
            ),
        )
    with suppress(ValueError):
        n = (
            Raises(n)
            +
            n
        )
    return n


def back_again(n):
    while n < 2:
        n += 1
        with suppress(ValueError): n += fails(n)
    return n


@contextmanager
def _yields(n):
    yield n


def at_the_end(n):
    with suppress(ValueError), _yields(n) as n: fails(n)
    try: fails(n)
    except ValueError: return n
    finally: n += 1


def everything(n):
    got = []
    for make in at_once, later:
        try:
            make(n).send(None)
        except StopIteration as end:
            got.append(end.value)
    got += [in_one_line(n), in_the_first_line(n), by_an_operator(n), in_several_lines(n)]
    return [*got, back_again(n), at_the_end(n)]


for turn in range(3 * ROUNDS):
    events.clear()
    if turn % 3 != 2:
        sys.settrace(note)
    got = everything(turn)
    sys.settrace(None)
    if turn < 3:
        print(turn, got)
        for event in events:
            print("  ", *event)
