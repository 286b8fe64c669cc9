# needs Python 3.15
"""What a library imports lazily from a module in which the program puts something else meanwhile."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
import paints  # first: then brushes has the function at once

import brushes
from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
del paints  # after a resume brushes may be imported first


def replaced(module, function):
    """As doctest does it with _colorize.can_colorize."""
    saved = module.mixed
    checkpoint()
    module.mixed = function
    checkpoint()
    try:
        shown = module.mixed("red", "blue"), saved("red", "blue")
        checkpoint()
    finally:
        module.mixed = saved
    checkpoint()
    return shown, module.mixed is saved, type(saved).__name__


def main():
    import paints

    paints.thinned = lambda colour: colour.upper()
    for turn in range(3 * ROUNDS):
        print(replaced(paints, lambda *colours: f"{len(colours)} colours"))
        checkpoint()
        print(paints.mixed("green"), brushes.mixed("black"))
        print(paints.thinned("white"), brushes.thinned("white"))


main()
