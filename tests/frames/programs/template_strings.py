# needs Python 3.14
"""t-strings: suspended inside the expressions, conversions and format specs of a template."""
import sys
from string.templatelib import Interpolation, Template

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def value(n):
    checkpoint()
    return n * 7 % 13


class Shown:
    def __init__(self, n):
        self.n = n

    def __format__(self, spec):
        checkpoint()
        return f"<{self.n:{spec}}>"

    def __repr__(self):
        checkpoint()
        return f"Shown({self.n})"


def render(template):
    parts = []
    for part in template:
        if isinstance(part, Interpolation):
            shown = part.value
            if part.conversion == "r":
                shown = repr(shown)
            parts.append(format(shown, part.format_spec))
            checkpoint()
        else:
            parts.append(part.upper())
    return "".join(parts)


def made(n):
    wide = 4
    return t"one {value(n)} two {value(n + 1):>{value(3) + wide}} three {Shown(n):03} {Shown(n)!r:>12}"


def nested(n):
    inner = t"[{n}]"
    outer = t"{value(n)}{inner}{'x' * n!s}" + t" and {n=}"
    checkpoint()
    assert isinstance(outer, Template)
    return [i.expression for i in outer.interpolations], outer.strings, outer.values[0]


kept = []
for turn in range(40 * ROUNDS):
    template = made(turn)
    kept.append(template)
    checkpoint()
    if turn % 10 == 0:
        print(render(template), nested(turn % 5))
print(len(kept), [template.interpolations[0].value for template in kept[-5:]])
print(render(kept[3]), kept[3].interpolations[2].value is kept[3].values[2])
