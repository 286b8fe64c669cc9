"""What libraries know by identity or by name alone: marks, submodules, static methods, recorders."""
import argparse
import importlib.util
import random
import sys
import unittest.mock
import warnings
import weakref
import xml.dom.minidom

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Point:
    x = property(lambda self: 1)

    def __init__(self):
        self.table = str.maketrans
        self.entropy = random.SystemRandom()


class Traced:
    def shown(self):
        return "shown"


def parser():
    made = argparse.ArgumentParser(prog="p", argument_default=argparse.SUPPRESS)
    made.add_argument("word", nargs="?")
    made.add_argument("--flag", action="store_true", help=argparse.SUPPRESS)
    return made


def dead_keys():
    """A dictionary whose keys are gone, as while one iterates over it."""
    keys = weakref.WeakKeyDictionary()
    points = [Point() for _ in range(3)]
    for number, point in enumerate(points):
        keys[point] = number
    running = iter(keys.items())
    next(running)
    del points[1:], point
    checkpoint()
    return keys, running, points


for turn in range(3 * ROUNDS):
    parse, point = parser(), Point()
    with warnings.catch_warnings(record=True) as seen, unittest.mock.patch.object(
        xml.dom.minidom.Node, "hasChildNodes", return_value=turn
    ):
        warnings.simplefilter("always")
        warnings.warn("first")
        checkpoint()
        warnings.warn("second")
        print(turn, [str(each.message) for each in seen])
        print(xml.dom.minidom.Element("a").hasChildNodes(), importlib.util.find_spec("sys").name)
    print(parse.parse_args([]), parse.parse_args(["a", "--flag"]), "--flag" in parse.format_help())
    print(point.table("a", "b"), 0 <= point.entropy.random() < 1)
    keys, running, points = dead_keys()
    print(list(running), len(keys), xml.dom.minidom.Element("a").hasChildNodes())
    del points
    print(len(keys))
    try:
        point.x = 2
    except AttributeError as error:
        print(error)
    checkpoint()
