"""with decimal.localcontext(): precision and signals inside, those of before outside."""
import decimal
import sys
from decimal import Decimal, getcontext, localcontext

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def euler(digits):
    with localcontext() as context:
        context.prec = digits + 2
        total, term, n = Decimal(1), Decimal(1), 1
        while True:
            term /= n
            n += 1
            if total + term == total:
                break
            total += term
            if n % 7 == 0:
                checkpoint()
        inner = getcontext() is context
    return +total, inner


def divided():
    with localcontext(decimal.ExtendedContext) as outer:
        checkpoint()
        with localcontext() as inner:
            inner.traps[decimal.DivisionByZero] = True
            checkpoint()
            try:
                Decimal(1) / 0
            except decimal.DivisionByZero as error:
                checkpoint()
                print(type(error).__name__, getcontext() is inner)
        checkpoint()
        print(Decimal(1) / 0, getcontext() is outer, outer.flags[decimal.DivisionByZero])


def generated():
    with localcontext() as context:
        for context.prec in (3, 5, 8):
            yield Decimal(2).sqrt()


for round in range(ROUNDS):
    for digits in [12, 30]:
        print(euler(digits), getcontext().prec)
    divided()
    manager = localcontext(decimal.Context(prec=4))
    checkpoint()
    with manager as context:
        checkpoint()
        print(Decimal(1) / 3, context.prec)
    print(Decimal(1) / 3)
    for root in generated():
        checkpoint()
        print(root)
    getcontext().prec = 28
