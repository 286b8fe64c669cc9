"""Classes derived from the library's, with attributes, slots and an __init__ of their own."""
import collections
import copyreg
import datetime
import decimal
import pathlib
import random
import socket
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Graph(collections.defaultdict):
    def __init__(self, name):
        print("makes a graph", name)
        super().__init__(list)
        self.name = name

    def __setitem__(self, key, value):
        print("sets", key)
        super().__setitem__(key, value)


class Tally(collections.Counter):
    def __init__(self, name, items=()):
        print("makes a tally", name)
        super().__init__(items)
        self.name = name

    def __missing__(self, key):
        return self.name


class Day(datetime.date):
    __slots__ = ("note",)


class Moment(datetime.datetime):
    pass


class Span(datetime.timedelta):
    pass


class Amount(decimal.Decimal):
    __slots__ = ("currency", "unset")

    def __new__(cls, value, currency):
        print("makes an amount")
        amount = super().__new__(cls, value)
        amount.currency = currency
        return amount


class Place(type(pathlib.Path())):
    pass


class Dice(random.Random):
    sides = 6

    def roll(self):
        self.rolled = getattr(self, "rolled", 0) + 1
        return self.randint(1, self.sides)


class Told(collections.defaultdict):
    """Says itself how it is kept."""

    def __reduce__(self):
        return Told, (), None, None, iter([("told", True)])


class Registered(datetime.date):
    """Another one says how it is kept, and leaves out what could not be."""


def reduce_registered(day):
    return Registered, (day.year, day.month, day.day), {"told": True}


copyreg.pickle(Registered, reduce_registered)
for turn in range(ROUNDS):
    registered = Registered(2022, 3, 4)
    registered.told, registered.ends = True, socket.socketpair()
    graph, tally = Graph("g"), Tally("t", "abca")
    graph["a"] = [graph]
    tally.graph = graph
    counter = collections.Counter("aab")
    counter.name = "plain"
    day, moment, span = Day(2020, 2, turn % 28 + 1), Moment(2021, 1, 1, 5, fold=1), Span(hours=3)
    day.note, moment.zone, span.why = [day], "here", tally
    amount = Amount("1.50", "EUR")
    place, dice, told = Place("/a/b"), Dice(turn), Told(list)
    place.seen, told.lost = {place}, 1
    first = dice.roll()
    dice.sides = 20
    keyed = {day: 1, moment: 2, span: 3, amount: 4, place: 5}
    checkpoint()
    print(type(graph).__name__, graph.name, graph["a"][0] is graph, graph.default_factory, sorted(graph))
    print(tally, tally.name, tally["z"], tally.graph is graph, counter, counter.name)
    print(day, day.note[0] is day, moment, moment.fold, moment.zone, span, span.why is tally)
    print(repr(amount), amount.currency, hasattr(amount, "unset"), amount + 1)
    for end in getattr(registered, "ends", ()):
        end.close()
    print(registered, registered.told)
    print(place, place in place.seen, type(place).__name__, sorted(keyed.values()), keyed[day])
    print(first, dice.roll(), dice.sides, dice.rolled, sorted(vars(told)) in ([], ["lost"]))
