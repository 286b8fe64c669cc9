"""Containers: nested in themselves, keys that are not whole, order, values."""

import array
import collections
import datetime
import decimal
import fractions
import re
import sys
import types
import typing
import uuid

OPTIONAL = int | None if sys.version_info >= (3, 10) else typing.Optional[int]


class Key:
    """Equal and hashed by contents: only usable once it is whole."""

    def __init__(self, name):
        self.name = name

    def __hash__(self):
        return hash(self.name)

    def __eq__(self, other):
        return self.name == other.name


def make():
    loop = [1]
    loop.append(loop)
    inner = []
    cycle = (inner, 1)
    inner.append(cycle)
    key = Key("k")
    key.table = {key: 1, (key, 2): 2}
    key.members = {key, Key("l")}
    shrunk = set(range(50))
    for number in range(45):
        shrunk.discard(number)
    chain = None
    for _ in range(200_000):
        chain = [chain]
    shared = ["shared"]
    salted = {f"word{i}" for i in range(40)}
    return dict(
        loop=loop,
        cycle=cycle,
        key=key,
        shrunk=shrunk,
        chain=chain,
        pair=(shared, shared),
        salted=salted,
        order=list(salted),
        numbers=[0, -1, 2**59, -(2**61), 2**64, -(10**40), True],
        texts=["", "ä", "\udc80", "\U0001f600", b"\0\xff", bytearray(b"x")],
        floats=[0.0, -0.0, float("inf"), float("nan"), 1e-310, 1 + 2j],
        frozen=frozenset({1, frozenset({2})}),
        counter=collections.Counter("abca"),
        dd=collections.defaultdict(list, {1: [2]}),
        od=collections.OrderedDict(b=1, a=2),
        dq=collections.deque([1, 2], 5),
        chainmap=collections.ChainMap({1: 2}, {3: 4}),
        array=array.array("d", [1.5]),
        money=decimal.Decimal("1.50"),
        third=fractions.Fraction(1, 3),
        when=datetime.datetime(2020, 1, 2, 3, 4),
        uuid=uuid.UUID(int=7),
        pattern=re.compile("a+", re.I),
        space=types.SimpleNamespace(a=1),
        ranges=[range(3), slice(1, None, 2)],
        views=[key.table.keys(), key.__dict__],
        alias=[list[int], OPTIONAL],
        singles=[None, ..., NotImplemented],
    )


def check(kept):
    loop = kept["loop"]
    assert loop[1] is loop and loop[0] == 1
    cycle = kept["cycle"]
    assert cycle[0][0] is cycle
    key = kept["key"]
    assert key.table[Key("k")] == 1 and key.table[Key("k"), 2] == 2 and list(key.table)[0] is key
    assert Key("l") in key.members and key in key.members and len(key.members) == 2
    assert kept["shrunk"] == set(range(45, 50)) and 46 in kept["shrunk"]
    kept["shrunk"].add(1)
    depth, chain = 0, kept["chain"]
    while chain is not None:
        depth, chain = depth + 1, chain[0]
    assert depth == 200_000
    assert kept["pair"][0] is kept["pair"][1]
    assert list(kept["salted"]) == kept["order"]
    assert kept["numbers"] == [0, -1, 2**59, -(2**61), 2**64, -(10**40), True]
    assert kept["numbers"][-1] is True
    assert kept["texts"] == ["", "ä", "\udc80", "\U0001f600", b"\0\xff", bytearray(b"x")]
    assert repr(kept["floats"]) == "[0.0, -0.0, inf, nan, 1e-310, (1+2j)]"
    assert kept["frozen"] == frozenset({1, frozenset({2})})
    assert kept["counter"]["a"] == 2 and type(kept["counter"]).__name__ == "Counter"
    assert kept["dd"][5] == [] and kept["dd"][1] == [2]
    assert list(kept["od"]) == ["b", "a"] and kept["dq"].maxlen == 5
    assert kept["chainmap"][3] == 4
    assert kept["array"][0] == 1.5 and str(kept["money"]) == "1.50"
    assert kept["third"] == fractions.Fraction(1, 3) and kept["when"].year == 2020
    assert kept["uuid"].int == 7 and kept["pattern"].match("AA") and kept["space"].a == 1
    assert kept["ranges"] == [range(3), slice(1, None, 2)]
    key.table["new"] = 3
    assert "new" in kept["views"][0] and kept["views"][1] is key.__dict__
    assert kept["alias"] == [list[int], OPTIONAL]
    assert kept["singles"] == [None, ..., NotImplemented]
