"""Functions, closures, methods, partials, generators and iterators: code, cells and defaults."""

import functools
import inspect
import itertools
import operator

LIMIT = 3


def counter(start):
    count = start

    def up(by=1, *, scale: int = 1):
        """Count."""
        nonlocal count
        count += by * scale
        return count

    def down():
        nonlocal count
        count -= 1
        return count

    def empty():
        return unset

    if start < 0:
        unset = 1
    up.mark = up
    return up, down, empty


def recursive(n):
    return 1 if n < 2 else n * recursive(n - 1)


def uses_global():
    return LIMIT


@functools.lru_cache(maxsize=10)
def slow(n):
    return [n]


@functools.singledispatch
def kind(x):
    return "any"


@kind.register
def _(x: int):
    return "int"


def numbers(n):
    total = 0
    for i in range(n):
        total += (yield (i, total)) or 0


async def coroutine(x):
    return x + 1


def make():
    up, down, empty = counter(10)
    slow(1)
    running = numbers(5)
    next(running)
    running.send(10)
    items = [1, 2, 3]
    position = iter(items)
    next(position)
    table = {"a": 1, "b": 2, "c": 3}
    keys = iter(table)
    next(keys)
    return dict(
        up=up,
        down=down,
        empty=empty,
        recursive=recursive,
        uses_global=uses_global,
        slow=slow,
        cached=slow(1),
        kind=kind,
        partial=functools.partial(recursive, 4),
        append=items.append,
        items=items,
        position=position,
        table=table,
        keys=keys,
        running=running,
        fresh=numbers(2),
        coroutine=coroutine(3),
        generator=(n * n for n in range(4)),
        getters=[operator.itemgetter(1), operator.attrgetter("a")],
        builtins=[len, str.upper, "a".join],
        chain=itertools.chain([1], items),
        count=itertools.count(3, 2),
        zip=zip(items, "ab"),
        map=map(recursive, items),
        enumerate=enumerate(items, 5),
        reversed=reversed(items),
        lam=lambda x=LIMIT: x,
        code=recursive.__code__,
    )


def check(kept):
    up, down = kept["up"], kept["down"]
    assert up() == 11 and down() == 10 and up(2, scale=3) == 16
    assert up.mark is up and up.__doc__ == "Count." and up.__annotations__ == {"scale": int}
    assert up.__qualname__ == "counter.<locals>.up" and up.__module__ == "__main__"
    assert up.__closure__[0] is down.__closure__[0]
    try:
        kept["empty"]()
    except NameError:
        pass
    else:
        raise AssertionError
    assert kept["recursive"](5) == 120 and kept["recursive"] is recursive
    global LIMIT
    LIMIT = 4
    assert kept["uses_global"]() == 4 and kept["uses_global"].__globals__ is globals()
    assert kept["slow"](1) is kept["cached"] and slow.cache_info().hits == 2, slow.cache_info()
    assert kind(1) == "int" and kind("") == "any"
    assert kept["partial"]() == 24
    kept["append"](4)
    assert kept["items"] == [1, 2, 3, 4] and list(kept["position"]) == [2, 3, 4]
    assert list(kept["keys"]) == ["b", "c"]
    assert kept["running"].send(5) == (2, 15) and [i for i, _ in kept["running"]] == [3, 4]
    assert list(kept["fresh"])[0] == (0, 0)
    try:
        kept["coroutine"].send(None)
    except StopIteration as stop:
        assert stop.value == 4
    assert list(kept["generator"]) == [0, 1, 4, 9]
    assert kept["getters"][0]("xy") == "y"
    assert kept["builtins"][0] is len and kept["builtins"][1]("a") == "A"
    assert kept["builtins"][2]("xy") == "xay"
    assert next(kept["count"]) == 3 and next(kept["count"]) == 5
    assert list(kept["zip"]) == [(1, "a"), (2, "b")] and next(kept["map"]) == 1
    assert next(kept["enumerate"]) == (5, 1) and next(kept["reversed"]) == 3
    assert list(kept["chain"]) == [1, 1, 2, 3, 4]
    assert kept["lam"]() == 3 and kept["code"] is recursive.__code__
    assert "def recursive(n):" in inspect.getsource(recursive)
