"""Iterators go on at the same position of the same container."""

import collections
import copy
import itertools
import sys
import warnings

from copying import copied, run

warnings.simplefilter("error")


def both_end_alike(make, advance, more=None):
    """A copy of (iterator, everything it refers to) yields what the original yields."""
    things = make()
    for _ in range(advance):
        next(things[0])
    twin = copied(things)
    if more:
        more(things)
        more(twin)
    expected, got = outcome(things[0]), outcome(twin[0])
    assert got == expected, (got, expected)
    assert type(twin[0]) is type(things[0])


def outcome(iterator):
    values = []
    try:
        for value in iterator:
            if type(value) is tuple and value and hasattr(value[-1], "__next__"):
                value = value[0], list(value[1])  # of groupby
            values.append(value)
            if len(values) > 200:
                break
    except RuntimeError as error:
        values.append(str(error))
    return values


class Sequence:
    def __init__(self, *items):
        self.items = items

    def __getitem__(self, index):
        return self.items[index]


def over(function, *containers):
    def make():
        own = [copy.copy(c) for c in containers]
        return [function(*own), *own]

    return make


EXPRESSIONS = {
    "list": over(iter, [1, 2, 3, 4]),
    "list reversed": over(reversed, [1, 2, 3, 4]),
    "tuple": over(iter, (1, 2, 3, 4)),
    "str": over(iter, "abcd"),
    "wide str": over(iter, "a\u20acbcd"),
    "bytes": over(iter, b"abcd"),
    "bytearray": over(iter, bytearray(b"abcd")),
    "range": over(iter, range(5, 50, 9)),
    "long range": over(iter, range(1 << 70, (1 << 70) + 4)),
    "sequence": over(iter, Sequence(1, 2, 3, 4)),
    "reversed tuple": over(reversed, (1, 2, 3, 4)),
    "dict": over(iter, {1: 2, 3: 4, 5: 6, 7: 8}),
    "dict values": over(lambda d: iter(d.values()), {1: 2, 3: 4, 5: 6, 7: 8}),
    "dict items": over(lambda d: iter(d.items()), {1: 2, 3: 4, 5: 6, 7: 8}),
    "dict reversed": over(reversed, {1: 2, 3: 4, 5: 6, 7: 8}),
    "dict items reversed": over(lambda d: reversed(d.items()), {1: 2, 3: 4, 5: 6, 7: 8}),
    "dict values reversed": over(lambda d: reversed(d.values()), {1: 2, 3: 4, 5: 6, 7: 8}),
    "set": over(iter, {"a", "b", "c", "d", "e"}),
    "frozenset": over(iter, frozenset({"a", "b", "c", "d", "e"})),
    "ordered": over(iter, collections.OrderedDict(a=1, b=2, c=3, d=4)),
    "ordered items": over(lambda d: iter(d.items()), collections.OrderedDict(a=1, b=2, c=3, d=4)),
    "ordered reversed": over(reversed, collections.OrderedDict(a=1, b=2, c=3, d=4)),
    "zip": over(zip, [1, 2, 3, 4], "abcdef"),
    "map": over(lambda a, b: map(pow, a, b), [1, 2, 3, 4], [5, 6, 7, 8]),
    "filter": over(lambda a: filter(None, a), [1, 2, 0, 3, 0, 4]),
    "enumerate": over(enumerate, "abcd"),
    "enumerate far": over(lambda a: enumerate(a, 1 << 70), "abcd"),
    "accumulate": over(itertools.accumulate, [1, 2, 3, 4]),
    "accumulate initial": over(
        lambda a: itertools.accumulate(a, pow, initial=3), [1, 2, 3, 1]
    ),
    "chain": over(itertools.chain, [1, 2], [3, 4]),
    "chain from": over(itertools.chain.from_iterable, [[1, 2], [3, 4]]),
    "combinations": over(lambda a: itertools.combinations(a, 2), [1, 2, 3, 4]),
    "combinations none": over(lambda a: itertools.combinations(a, 0), [1, 2]),
    "with replacement": over(
        lambda a: itertools.combinations_with_replacement(a, 3), [1, 2, 3]
    ),
    "compress": over(itertools.compress, "abcdefgh", [1, 1, 1, 0, 1, 0, 1, 1]),
    "count": lambda: [itertools.count(7)],
    "count float": lambda: [itertools.count(0.5, 0.25)],
    "count far": lambda: [itertools.count(sys.maxsize - 3)],
    "cycle": over(itertools.cycle, [1, 2, 3, 4]),
    "dropwhile": over(lambda a: itertools.dropwhile(bool, a), [1, 0, 2, 0, 4]),
    "takewhile": over(lambda a: itertools.takewhile(bool, a), [1, 2, 3, 4, 0, 5]),
    "filterfalse": over(lambda a: itertools.filterfalse(None, a), [0, 1, "", (), 0, 3, 0]),
    "groupby": over(lambda a: itertools.groupby(a, bool), [0, 0, 1, 1, 0, 1, 0, 0]),
    "islice": over(lambda a: itertools.islice(a, 1, 9, 2), list(range(12))),
    "islice open": over(lambda a: itertools.islice(a, 1, None, 2), list(range(12))),
    "permutations": over(lambda a: itertools.permutations(a, 2), [1, 2, 3]),
    "permutations too long": over(lambda a: itertools.permutations(a, 1), [1, 2, 3, 4]),
    "product": over(lambda a, b: itertools.product(a, b, repeat=2), [1, 2], "ab"),
    "repeat": over(lambda a: itertools.repeat(a, 5), [1]),
    "repeat forever": over(itertools.repeat, [1]),
    "starmap": over(lambda a: itertools.starmap(pow, a), [(1, 2), (2, 3), (3, 4), (4, 5)]),
    "tee": over(lambda a: itertools.tee(a)[1], [1, 2, 3, 4]),
    "long tee": over(lambda a: itertools.tee(a)[1], list(range(150))),
    "zip_longest": over(
        lambda a, b: itertools.zip_longest(a, b, fillvalue="-"), [1, 2], "abcd"
    ),
}
if hasattr(itertools, "pairwise"):
    EXPRESSIONS["pairwise"] = over(itertools.pairwise, [1, 2, 3, 4, 5])
if hasattr(itertools, "batched"):
    EXPRESSIONS["batched"] = over(lambda a: itertools.batched(a, 2), [1, 2, 3, 4, 5, 6, 7])


def case_every_iterator_at_its_first_positions():
    for name, make in EXPRESSIONS.items():
        for advance in (0, 1, 2, 3):
            try:
                both_end_alike(make, advance)
            except StopIteration:
                assert "none" in name, name  # too short for this position
            except BaseException as error:
                raise AssertionError(f"{name} after {advance}: {error!r}") from error


def case_exhausted_iterators_stay_exhausted():
    for name, make in EXPRESSIONS.items():
        if name.startswith(("count", "cycle", "repeat forever")):
            continue
        things = make()
        outcome(things[0])
        twin = copied(things)
        for extend in things[1:]:
            if isinstance(extend, list):
                extend.append(extend[0])
        for extend in twin[1:]:
            if isinstance(extend, list):
                extend.append(extend[0])
        assert outcome(twin[0]) == outcome(things[0]), name
        assert outcome(twin[0]) == [], name


def case_capturing_consumes_nothing():
    for name, make in EXPRESSIONS.items():
        one, other = make(), make()
        copied(one)
        assert outcome(one[0]) == outcome(other[0]), name


def case_a_list_that_grows_later_is_seen():
    for make in (over(iter, [1, 2, 3]), over(enumerate, [1, 2, 3]), over(itertools.chain, [1, 2])):
        both_end_alike(make, 1, lambda things: things[1].append(99))


def case_containers_stay_the_same_objects():
    numbers = [1, 2, 3]
    iterator = iter(numbers)
    pair = [zip(iterator, iterator), iterator, numbers]
    twin = copied(pair)
    assert next(twin[1]) == 1 and twin[2] is not numbers
    assert next(twin[0]) == (2, 3)


def case_a_dict_with_deleted_entries():
    def make():
        numbers = {n: str(n) for n in range(20)}
        for n in (0, 1, 5, 6, 12, 19):
            del numbers[n]
        return [iter(numbers), numbers]

    for advance in range(14):
        both_end_alike(make, advance)
        both_end_alike(lambda: [reversed(make()[1].items())], advance)


def case_a_dict_that_changes_size_is_noticed():
    for make in (over(iter, {1: 1, 2: 2, 3: 3}), over(iter, {1, 2, 3})):

        def grow(things):
            things[1].update({9: 9})

        both_end_alike(make, 1, grow)
    ordered = over(iter, collections.OrderedDict(a=1, b=2, c=3))
    both_end_alike(ordered, 1, lambda things: things[1].update(d=4))
    both_end_alike(ordered, 1, lambda things: things[1].move_to_end("a"))


def case_a_change_before_the_copy_is_noticed_too():
    for make in (over(iter, {1: 1, 2: 2}), over(iter, collections.OrderedDict(a=1, b=2))):
        things = make()
        next(things[0])
        things[1]["z"] = 3
        twin = copied(things)
        assert outcome(twin[0]) == outcome(things[0]) and outcome(make()[0])


def case_a_dict_whose_values_change_while_iterated():
    def change(things):
        things[1][3] = "changed"

    both_end_alike(over(lambda d: iter(d.items()), {1: 1, 2: 2, 3: 3}), 1, change)


def case_instance_attributes():
    class Thing:
        def __init__(self):
            self.a, self.b, self.c = 1, 2, 3

    both_end_alike(lambda: [iter(vars(Thing()))], 2)


class Salted:
    """Hashes by identity: a copy lies elsewhere in a set's table."""

    def __init__(self, name):
        self.name = name


def case_a_set_iterator_goes_on_in_the_order_begun():
    things = {Salted(n) for n in range(40)}
    iterator = iter(things)
    for _ in range(11):
        next(iterator)
    twin = copied([iterator, things])
    rest = list(iterator)
    got = list(twin[0])
    assert [s.name for s in got] == [s.name for s in rest]
    assert all(s in twin[1] for s in got), "the same objects as in the set"


def case_a_set_iterator_on_the_same_table_is_bound_to_its_set():
    numbers = set(range(30))
    iterator = iter(numbers)
    for _ in range(7):
        next(iterator)
    twin = copied([iterator, numbers])
    assert twin[0].__length_hint__() == 23
    twin[1].add(99)
    assert outcome(twin[0]) == ["Set changed size during iteration"]


def case_a_container_that_holds_its_own_iterator():
    for container in ([], {}, collections.OrderedDict()):
        if isinstance(container, list):
            container += [1, 2, 3]
        else:
            container.update({1: 1, 2: 2, 3: 3})
        iterator = iter(container)
        next(iterator)
        if isinstance(container, list):
            container.append(iterator)
        else:
            container[3] = iterator
        twin = copied(container)
        own = twin[3]
        assert next(own) == 2
        assert next(own) == 3


def case_tees_share_their_buffer():
    numbers = iter(range(10))
    one, other = itertools.tee(numbers)
    assert [next(one) for _ in range(4)] == [0, 1, 2, 3]
    twin = copied([one, other, numbers])
    assert list(twin[2]) == [4, 5, 6, 7, 8, 9], "the source is shared"
    assert list(twin[1]) == [0, 1, 2, 3]
    assert list(one) == list(range(4, 10)) and list(other) == list(range(10))


def case_a_group_belongs_to_its_groupby():
    groups = itertools.groupby([1, 1, 1, 2, 2, 3])
    _, group = next(groups)
    next(group)
    twin = copied([group, groups])
    assert list(twin[0]) == [1, 1]
    assert [(k, list(g)) for k, g in twin[1]] == [(2, [2, 2]), (3, [3])]
    _, late = next(groups)
    stale, groups = copied([group, groups])
    assert list(stale) == [], "a group that was passed by is over"


def case_zip_strict():
    if sys.version_info < (3, 10):
        return
    both = zip([1, 2, 3], [1, 2], strict=True)
    next(both)
    twin = copied(both)
    assert next(twin) == (2, 2)
    try:
        next(twin)
    except ValueError as error:
        assert "shorter" in str(error)
    else:
        raise AssertionError("strict was lost")


def case_callable_iterators():
    source = [1, 2, 3, 0]
    calling = iter(source.pop, 2)
    twin, copy_of_source = copied([calling, source])
    assert list(twin) == [0, 3] and copy_of_source == [1] and source == [1, 2, 3, 0]


def case_views_look_at_the_same_dict():
    for numbers in ({1: 2}, collections.OrderedDict({1: 2})):
        keys, values, items, twin = copied(
            [numbers.keys(), numbers.values(), numbers.items(), numbers]
        )
        twin[5] = 6
        assert list(keys) == [1, 5] and list(values) == [2, 6] and (5, 6) in items


def case_deque_iterators():
    queue = collections.deque(range(5))
    iterator, backwards = iter(queue), reversed(queue)
    next(iterator), next(backwards)
    twin = copied([iterator, backwards, queue])
    assert list(twin[0]) == [1, 2, 3, 4] and list(twin[1]) == [3, 2, 1, 0]


def case_no_reference_is_lost_or_gained():
    thing = object()
    before = sys.getrefcount(thing)
    for _ in range(50):
        copied([iter([thing]), zip([thing]), itertools.product([thing]), itertools.tee([thing])])
    assert sys.getrefcount(thing) == before


run(globals())
