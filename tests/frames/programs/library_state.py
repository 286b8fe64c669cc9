"""Modules of the library that make classes, code and notes of warnings while the program runs."""
import builtins
import fractions
import sys
import textwrap
import warnings

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

# As a function of the library does that says `global Made`.
exec("class Made:\n    def own(self):\n        return type(self) is Made", vars(textwrap))
made = textwrap.Made()
textwrap.step = checkpoint
monitoring = getattr(sys, "monitoring", sys)  # the one module that is not in sys.modules
get_tool = getattr(monitoring, "get_tool", sys.getrefcount)


def work(number):
    step()
    return number + 1


for turn in range(8 * ROUNDS):
    # As libraries do that compile what they call at the first call.
    textwrap.dedent.__code__ = work.__code__.replace(co_filename="<compiled at the first call>")
    print(turn, textwrap.dedent(turn), made.own(), type(made).__module__, builtins.__dict__.get('_'), get_tool.__name__)
    # Shown once for each place, in all lives together.
    registry = vars(fractions).setdefault("__warningregistry__", {})
    checkpoint()
    warnings.warn_explicit("theirs", UserWarning, "fractions.py", turn % 3, registry=registry)
    warnings.warn("ours")
    if turn % 5 == 4:
        warnings.simplefilter("default")
    builtins._ = textwrap.Made  # as the REPL does with what it shows
    checkpoint()
