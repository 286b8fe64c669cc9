# needs Python 3.12
"""Type aliases and type parameters: left before, inside of and after the evaluation of their values."""
import sys
import typing

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
asked = []


def kind(name, of=int):
    asked.append(name)
    checkpoint()
    return of


type Plain = int
type Tree[T] = T | list[Tree[T]]
type Late = list[kind("late")]
type Never = kind("never") | Nowhere
type Calls[**P, R] = typing.Callable[P, R]
Old = typing.TypeVar("Old", bound="Plain", covariant=True)
By = typing.TypeAliasType("By", list[Old], type_params=(Old,))


def first[T: kind("bound"), *Ts](value: T, *others: *Ts) -> tuple[T, *Ts]:
    checkpoint()
    return value, *others


def logged[**P, R](function: typing.Callable[P, R]) -> typing.Callable[P, R]:
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        checkpoint()
        return function(*args, **kwargs)

    return inside


class Box[T: (kind("one", str), kind("two", bytes))]:
    type Item = list[inner]
    type Own = Box[T]
    inner = int

    def __init__(self, item: T) -> None:
        self.item = item
        checkpoint()

    def put[U](self, item: U) -> "Box[U]":
        return Box(item)


class Stack[T](Box[T]):
    pass


def scope(turn):
    type Local = dict[int, here]
    type Twice[T] = tuple[T, Local]
    here = turn
    checkpoint()
    return Local, Twice, lambda: here


def describe(parameter):
    shown = [repr(parameter), type(parameter).__name__]
    for name in ("bound", "constraints", "covariant", "infer_variance", "default"):
        shown.append(str(getattr(parameter, f"__{name}__", "none")))
    return " ".join(shown).replace("typing.NoDefault", "none")


before = (Tree, Tree.__type_params__[0], first.__type_params__, Box.__type_params__[0])
parameters = {parameter: describe for parameter in (Old, *first.__type_params__)}
wrapped = logged(first)
checkpoint()
for turn in range(20 * ROUNDS):
    local, twice, look = scope(turn)
    type Fresh[T: kind("fresh")] = tuple[T, kind("value"), turn]
    checkpoint()
    row = [
        Fresh.__value__ == tuple[Fresh.__type_params__[0], int, turn],
        Fresh.__type_params__[0].__bound__ is int,
        Fresh[int],
        local.__value__ == dict[int, turn],
        twice.__value__ == tuple[twice.__type_params__[0], local],
        wrapped(turn, "x"),
        typing.get_type_hints(first),
        Stack[str](turn).put(1).item,
        typing.get_args(Stack.__orig_bases__[0]) == Stack.__type_params__, Stack.__parameters__,
    ]
    assert (Tree, Tree.__type_params__[0], first.__type_params__, Box.__type_params__[0]) == before
    assert Tree.__type_params__[0] in Tree.__value__.__args__ and len(parameters) == 3
    if turn % 5 == 0:
        print(turn, *row, Tree[int], len(asked))

print(Plain.__value__, Tree.__value__, Late.__value__, Late.__module__, Late, Calls.__value__)
checkpoint()
Box.inner = str
checkpoint()
print(Box.Item.__value__, Box.Own.__value__ == Box[Box.__type_params__[0]], Box.Own)
for parameter in (*first.__type_params__, *Box.__type_params__, *Calls.__type_params__, Old):
    print(describe(parameter), parameter.__module__)
print(logged.__annotations__["return"], wrapped.__annotations__["args"].__origin__)
print(By[int], By.__value__, By.__type_params__[0] is Old)
for turn in range(3):
    try:
        Never.__value__
    except NameError as error:
        checkpoint()
        print(error)
print(len(asked), asked[:4], asked[-4:])
