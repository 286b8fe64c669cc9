# needs Python 3.14
"""Annotations that are evaluated when they are asked for: suspended inside of that."""
import annotationlib
import sys
from dataclasses import dataclass, fields

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
asked = []


def kind(name):
    asked.append(name)
    checkpoint()
    return name * 2


class Node:
    left: Node | None = None
    label: kind("label")
    late: Later  # not yet there when the class is made

    def joined(self, other: kind("other"), *rest: Node) -> kind("result"):
        total: kind("never") = 0
        checkpoint()
        return total


def generic[T](value: T) -> list[T]:
    checkpoint()
    return [value]


class Later:
    pass


@dataclass
class Point:
    x: int
    y: Point | None = None

    def length(self) -> int:
        checkpoint()
        return self.x + (self.y.length() if self.y else 0)


def unresolved(a: Missing, b: kind("b")):
    pass


module_level: kind("module") = 1

for turn in range(30 * ROUNDS):
    fresh = {"name": f"T{turn}"}

    class Made:
        first: kind(fresh["name"])
        second: Missing.attribute

    try:
        Made.__annotations__
    except NameError as error:
        checkpoint()
        missing = error.name
    texts = annotationlib.get_annotations(Made, format=annotationlib.Format.STRING)
    references = annotationlib.get_annotations(unresolved, format=annotationlib.Format.FORWARDREF)
    checkpoint()
    if turn % 10 == 0:
        print(missing, texts, sorted(references), type(references["a"]).__name__)
        print(generic(turn), generic.__type_params__[0].__name__, Point(turn, Point(1)).length())

print(Node.__annotations__, Node.joined.__annotations__, generic.__annotations__)
print([field.type for field in fields(Point)])
print(__annotate__(1) if "__annotate__" in globals() else None)
print(len(asked), asked[-12:])
