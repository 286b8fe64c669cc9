"""Documents read and written by PyYAML, whose parser is an extension that Cython made."""
import sys

import yaml
from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
TEXT = "name: one\nlist: [1, 2.5, null]\nnested: {a: &x [1], b: *x}\n"


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


class Loader(yaml.CSafeLoader):
    pass


class Dumper(yaml.CSafeDumper):
    pass


def of_point(dumper, point):
    return dumper.represent_sequence("!point", [point.x, point.y])


Dumper.add_representer(Point, of_point)
Loader.add_constructor("!other", lambda loader, node: "other")

for _ in range(ROUNDS):
    read = yaml.load(TEXT, Loader)
    checkpoint()
    print(read, read["nested"]["a"] is read["nested"]["b"])
    written = yaml.dump([read["list"], Point(1, 2)], Dumper=Dumper)
    checkpoint()
    print(written, yaml.load("!other 1", Loader))
    try:
        yaml.load("[", Loader)
    except yaml.YAMLError as error:
        failure = error.with_traceback(None)  # the parser, which it leads to, is not kept
    checkpoint()
    print(type(failure), failure.problem_mark.line)
