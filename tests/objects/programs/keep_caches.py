"""Cached functions keep their cache, its order and its statistics."""

import functools
import operator

from copying import copied, run

calls = []


def compute(*args, **kwargs):
    calls.append((args, kwargs))
    return args, kwargs


def hit(cached, *args, **kwargs):
    before = len(calls)
    cached(*args, **kwargs)
    return len(calls) == before


def case_a_bounded_cache_forgets_the_least_recently_used():
    cached = functools.lru_cache(3)(compute)
    cached(1), cached(2), cached(3), cached(1)
    twin = copied(cached)
    assert twin.cache_info() == cached.cache_info() == (1, 3, 3, 3)
    assert not hit(twin, 4)
    assert hit(twin, 1) and hit(twin, 3) and not hit(twin, 2)
    assert hit(cached, 2), "the original is untouched"


def case_an_unbounded_cache_and_keywords():
    cached = functools.cache(compute)
    cached(1), cached("x"), cached(1, b=2), cached(b=3), cached((1, 2), c=[].__class__)
    twin = copied(cached)
    assert hit(twin, 1) and hit(twin, "x") and hit(twin, 1, b=2) and hit(twin, b=3)
    assert not hit(twin, 1, b=4)


def case_bounded_with_keywords():
    cached = functools.lru_cache(10)(compute)
    cached(1, b=2)
    assert hit(copied(cached), 1, b=2)


def case_typed_and_uncached():
    cached = functools.lru_cache(None, typed=True)(compute)
    cached(1), cached(1.0)
    twin = copied(cached)
    assert hit(twin, 1) and hit(twin, 1.0) and not hit(twin, True)
    none = functools.lru_cache(0)(compute)
    none(1)
    twin = copied(none)
    assert twin.cache_info() == (0, 1, 0, 0) and not hit(twin, 1)


def case_attributes():
    cached = functools.lru_cache(3)(compute)
    cached.note = [1]
    twin = copied(cached)
    assert twin.__wrapped__ is compute and twin.__name__ == "compute"
    assert twin.note == [1] and twin.cache_parameters() == {"maxsize": 3, "typed": False}


def case_a_result_that_refers_to_the_function():
    cached = functools.lru_cache(3)(lambda key: box)
    box = [cached]
    cached(1)
    twin = copied(cached)
    again = twin(1)
    assert again is not box and again[0] is twin


def case_clearing_and_refilling_many():
    cached = functools.lru_cache(100)(compute)
    for n in range(250):
        cached(n)
    twin = copied(cached)
    for n in range(400):
        twin(n)
    assert twin.cache_info().currsize == 100
    twin.cache_clear()
    assert twin.cache_info() == (0, 0, 100, 0)


def case_partial():
    numbers = [1]
    partial = functools.partial(compute, numbers, key=numbers)
    partial.note = numbers
    numbers.append(partial)
    twin = copied(partial)
    assert twin.func is compute and twin.args[0] is twin.keywords["key"] is twin.note
    assert twin.args[0][1] is twin


def case_operator_getters():
    getters = [operator.itemgetter(0), operator.attrgetter("real"), operator.methodcaller("bit_length")]
    item, attribute, method = copied(getters)
    assert item([7]) == 7 and attribute(5) == 5 and method(8) == 4


run(globals())
