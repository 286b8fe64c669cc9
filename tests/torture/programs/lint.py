"""A lint run: pyflakes and pycodestyle over modules of the standard library."""
import ast
import bisect
import sys
import textwrap

import pycodestyle
from pyflakes import checker

ROUNDS = int(sys.argv[1])
MODULES = [bisect, textwrap, ast]

for turn in range(ROUNDS):
    name = MODULES[turn % len(MODULES)].__file__
    with open(name, encoding="utf-8") as file:
        source = file.read()
    found = checker.Checker(ast.parse(source), filename="m.py").messages
    for message in sorted(found, key=lambda each: (each.lineno, each.col)):
        print(turn, message)
    style = pycodestyle.StyleGuide(max_line_length=70, quiet=1, select=["E", "W"])
    report = style.init_report(pycodestyle.BaseReport)
    style.input_file("m.py", lines=source.splitlines(keepends=True))
    print(turn, report.total_errors, sorted(report.counters.items()))
