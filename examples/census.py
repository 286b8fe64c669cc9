"""Takes a census of the Python standard library.

Parses every module of the running interpreter's standard library, walks the syntax trees, and
counts what they are made of: one row per module in a CSV, one line per package on the terminal.

usage: census.py [-o census.csv] [--tests] [LIMIT]
"""
import argparse
import ast
import csv
import os
import warnings
from collections import Counter

SKIPPED = {"site-packages", "dist-packages", "__pycache__", "lib2to3", "idlelib", "turtledemo"}
TESTS = {"test", "tests", "idle_test"}


class Census(ast.NodeVisitor):
    """Counts the nodes of a tree, and how deep functions, classes and blocks nest."""

    def __init__(self):
        self.kinds = Counter()
        self.depth = 0
        self.deepest = 0

    def generic_visit(self, node):
        self.kinds[type(node).__name__] += 1
        super().generic_visit(node)

    def nested(self, node):
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        try:
            self.generic_visit(node)
        finally:
            self.depth -= 1

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = nested
    visit_If = visit_For = visit_While = visit_With = visit_Try = nested


def packages(root, with_tests):
    """Yields (package, files) in alphabetical order; single modules are one package of that name."""
    for entry in sorted(os.listdir(root)):
        path = os.path.join(root, entry)
        if entry in SKIPPED or (entry in TESTS and not with_tests):
            continue
        if os.path.isdir(path):
            if os.path.exists(os.path.join(path, "__init__.py")):
                yield entry, modules(path, with_tests)
        elif entry.endswith(".py"):
            yield entry[:-3], iter([path])


def modules(folder, with_tests):
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if entry in SKIPPED or (entry in TESTS and not with_tests):
            continue
        if os.path.isdir(path):
            yield from modules(path, with_tests)
        elif entry.endswith(".py"):
            yield path


def statements(tree):
    """Yields every statement of a tree with its depth, the way an outline would list them."""

    def below(body, depth):
        for statement in body:
            yield depth, statement
            for field in ("body", "orelse", "handlers", "finalbody"):
                yield from below(getattr(statement, field, []), depth + 1)

    yield from below(tree.body, 0)


def outline(tree):
    count = indent = 0
    for depth, _ in statements(tree):
        count += 1
        indent += depth
    return count, indent


def parse(path):
    with open(path, "rb") as file:
        source = file.read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source, path), source.count(b"\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", default="census.csv")
    parser.add_argument("--tests", action="store_true", help="also the library's own tests")
    parser.add_argument("limit", nargs="?", type=int, help="stop after that many packages")
    options = parser.parse_args()

    root = os.path.dirname(os.__file__)
    total, lines, unreadable = Counter(), 0, []
    with open(options.output, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["package", "module", "lines", "nodes", "kinds", "deepest", "statements", "indent"])
        for number, (package, paths) in enumerate(packages(root, options.tests), start=1):
            nodes = 0
            for path in paths:
                name = os.path.relpath(path, root)
                try:
                    tree, length = parse(path)
                except (SyntaxError, ValueError):
                    unreadable.append(name)
                    continue
                census = Census()
                census.visit(tree)
                size = census.kinds.total()
                row = [len(census.kinds), census.deepest, *outline(tree)]
                table.writerow([package, name, length, size, *row])
                total += census.kinds
                nodes += size
                lines += length
            print(f"{number:4} {package:24} {nodes:9,} nodes")
            if number == options.limit:
                break

    print(f"\n{lines:,} lines, {total.total():,} nodes of {len(total)} kinds in {number} packages")
    for kind, count in total.most_common(12):
        print(f"{kind:16} {count:10,} {100 * count / total.total():6.2f} %")
    if unreadable:
        print("did not parse:", *unreadable)


if __name__ == "__main__":
    main()
