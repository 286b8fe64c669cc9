"""Decorators with and without arguments, lambdas, partial, wraps, singledispatch."""
import functools
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
calls = {}


def counted(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        checkpoint()
        calls[function.__name__] = calls.get(function.__name__, 0) + 1
        return function(*args, **kwargs)

    return wrapper


def repeated(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            results = []
            for _ in range(times):
                results.append(function(*args))
                checkpoint()
            return results

        return wrapper

    return decorate


class Traced:
    def __init__(self, function):
        self.function = function

    def __get__(self, instance, owner):
        return functools.partial(self.function, instance)


@counted
@repeated(3)
def triple(n):
    """Three times."""
    checkpoint()
    return n * 3


class Machine:
    state = 0

    @Traced
    def step(self, by):
        attempt()  # before 3.11 the partial above hides what it calls
        self.state += by
        return self.state


@functools.singledispatch
def describe(value):
    checkpoint()
    return f"object {value}"


@describe.register
def _(value: int):
    checkpoint()
    return f"int {value}"


@describe.register(list)
def _(value):
    return "list " + " ".join([describe(v) for v in value])


def fibonacci(n):
    return (lambda f, n: f(f, n))(lambda f, n: n if n < 2 else f(f, n - 1) + f(f, n - 2), n)


machine = Machine()
for turn in range(300 * ROUNDS):
    row = triple(turn), machine.step(turn % 4), describe([turn, "x", 2.5]), fibonacci(7)
    bound = functools.partial(lambda a, b, *, c: (checkpoint(), a - b * c)[1], turn, c=2)
    if turn % 60 == 0:
        print(*row, bound(5), triple.__doc__, triple.__wrapped__.__wrapped__.__name__)
print(calls)
