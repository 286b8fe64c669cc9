# needs Python 3.13
"""Type parameters with defaults, evaluated when they are asked for."""
import sys
import typing

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
asked = []


def kind(of):
    asked.append(of)
    checkpoint()
    return of


class Pair[T = kind(int), U: object = list[T]]:
    def swap[V = T](self, value: V) -> "Pair[U, T]":
        checkpoint()
        return Pair()


def spread[*Ts = *tuple[kind(int), kind(str)], **P = [kind(bytes)]](*args: *Ts) -> None:
    checkpoint()


type Nested[T = Pair[int], U = Nested[T]] = dict[T, U]
Old = typing.TypeVar("Old", default=int)
Bare = typing.TypeVar("Bare")

for turn in range(20 * ROUNDS):

    class Fresh[T = kind(turn), U = Pair[T, turn]](Pair[T, U]):
        pass

    checkpoint()
    first, second = Fresh.__type_params__
    checkpoint()
    row = [
        first.__default__ == turn,
        first.has_default(),
        typing.get_args(second.__default__) == (first, turn),
        Fresh[int].__args__[0],
        Fresh.__parameters__ == (first, second),
        Fresh().swap(1).__class__ is Pair,
    ]
    if turn % 5 == 0:
        print(turn, *row, len(asked))

for owner in (Pair, Pair.swap, spread, Nested):
    for parameter in owner.__type_params__:
        checkpoint()
        print(owner.__name__, parameter, parameter.has_default(), parameter.__default__)
print(Nested[int], Nested.__value__, Nested.__type_params__[1].__default__.__args__)
print(Old.__default__, Bare.__default__, Bare.has_default(), len(asked), asked[-3:])
if hasattr(Old, "evaluate_default"):
    evaluate = [Old.evaluate_default, Pair.__type_params__[1].evaluate_default]
    checkpoint()
    print(evaluate[0](1), evaluate[0](4), evaluate[1](1))
