"""Fractions of what only says that it is a number, and fractions that are being made."""
import numbers
import sys
from fractions import Fraction

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Value:
    """Registered as a number, and without any arithmetic."""

    denominator = 1

    def __init__(self, value):
        self.value = value

    def __bool__(self):
        return bool(self.value)

    @property
    def numerator(self):
        checkpoint()  # the fraction that asks has nothing yet
        return self


class Named(Fraction):
    """With an attribute beside the two slots."""

    def __new__(cls, name, *parts):
        made = super().__new__(cls, *parts)
        made.name = name
        return made


class Reported(Fraction):
    """Says itself how it is kept."""

    def __reduce__(self):
        return Reported, (str(self),)


numbers.Rational.register(Value)
for turn in range(2 * ROUNDS):
    value = Value(turn % 2)
    odd = Fraction(value)
    named = Named("a third", Fraction(2, 6))
    named.itself = named
    changed = Fraction(3, 4)
    changed._numerator = 2  # what its class would not make
    reported = Reported(turn + 1, 7)
    checkpoint()
    print(bool(odd), odd._numerator is value, odd._denominator, isinstance(value, numbers.Rational))
    print(named, named.name, named.itself is named, named * 3 == 1, type(named) is Named)
    print(changed, reported, type(reported) is Reported, hash(named) == hash(Fraction(1, 3)))
