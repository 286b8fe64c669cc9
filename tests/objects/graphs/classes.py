"""Classes, instances: metaclasses, slots, properties, enumerations, dataclasses, ABCs."""

import abc
import collections.abc
import dataclasses
import enum
import functools
import sys
import typing

hooks = []
SLOTS = {"slots": True} if sys.version_info >= (3, 10) else {}


class Registry:
    def __init_subclass__(cls, **options):
        hooks.append(cls.__name__)


class Meta(type):
    def __new__(meta, name, bases, namespace, **options):
        hooks.append("meta " + name)
        return super().__new__(meta, name, bases, namespace)

    def __call__(cls, *arguments):
        made = super().__call__(*arguments)
        cls.count = getattr(cls, "count", 0) + 1
        return made

    @property
    def size(cls):
        return len(cls.__name__)


class Named:
    def __set_name__(self, owner, name):
        hooks.append("set_name " + name)
        self.name = name

    def __get__(self, instance, owner):
        return (self, instance)


class Base(Registry, metaclass=Meta):
    field = Named()
    later: "Derived"

    def who(self):
        return "base"

    def __len__(self):
        return 3


class Derived(Base):
    __slots__ = ("__hidden", "open")

    def __init__(self):
        self.__hidden = 5
        self.open = self

    def who(self):
        return super().who() + " derived " + str(self.__hidden)

    @property
    def prop(self):
        """doc"""
        return 1

    @prop.setter
    def prop(self, value):
        self.open = value

    @classmethod
    def make(cls):
        return cls()

    @staticmethod
    def static(a, *, b=2):
        return a + b

    @functools.cached_property
    def cached(self):
        return object()


Base.sub = Derived


class Color(enum.Enum):
    RED = 1
    GREEN = "g"

    def shout(self):
        return self.name + "!"


class Access(enum.IntFlag):
    R = 4
    W = 2


@dataclasses.dataclass(order=True, frozen=True)
class Point:
    x: int
    y: list = dataclasses.field(default_factory=list, compare=False)


@dataclasses.dataclass(**SLOTS)
class Slotted:
    x: int = 1


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


class Square(Shape):
    def area(self):
        return 4


@Shape.register
class Foreign:
    pass


class Pair(typing.NamedTuple):
    left: int
    right: str = "r"


T = typing.TypeVar("T")


class Box(typing.Generic[T]):
    def __init__(self, item):
        self.item = item


class MyList(list):
    pass


class MyDict(dict):
    def __missing__(self, key):
        return key


class MyInt(int):
    pass


class MyTuple(tuple):
    pass


class MySet(set):
    pass


class Stateful:
    def __init__(self):
        self.a = 1

    def __getstate__(self):
        return {"a": self.a + 1}

    def __setstate__(self, state):
        self.__dict__.update(state, restored=True)


class Sequence(collections.abc.Sequence):
    def __len__(self):
        return 1

    def __getitem__(self, i):
        if i:
            raise IndexError
        return "only"


def make():
    derived = Derived()
    derived.extra = 7
    numbers = MyList([1, 2])
    numbers.label = numbers
    table = MyDict(a=1)
    made = dict(
        derived=derived,
        bound=derived.who,
        cached=derived.cached,
        Derived=Derived,
        Base=Base,
        colors=[Color.RED, Color("g"), Color],
        access=Access.R | Access.W,
        point=Point(1, [2]),
        points={Point(1): "p"},
        slotted=Slotted(3),
        Shape=Shape,
        square=Square(),
        foreign=Foreign(),
        pair=Pair(1),
        box=Box[int](3),
        numbers=numbers,
        table=table,
        number=MyInt(6),
        tuple=MyTuple((1, 2)),
        set=MySet({1}),
        stateful=Stateful(),
        T=T,
        proxy=Derived.__dict__,
        slot=Derived.__dict__["open"],
        sequence=Sequence(),
        super=super(Derived, derived),
        marker=dataclasses.MISSING,
        derived_type=type("Late", (Derived,), {"z": 1}),
    )
    hooks.clear()
    return made


def check(kept):
    assert hooks == [], hooks
    derived, Kept = kept["derived"], kept["Derived"]
    assert Kept is Derived and type(derived) is Kept and Kept.__mro__[1] is kept["Base"]
    assert kept["bound"]() == "base derived 5" and kept["bound"].__self__ is derived
    assert derived.open is derived and derived.extra == 7 and derived.cached is kept["cached"]
    assert derived.prop == 1 and Kept.prop.__doc__ == "doc" and Kept.static(1) == 3
    derived.prop = 9
    assert derived.open == 9 and kept["slot"].__get__(derived) == 9
    assert Kept.count == 1 and type(Kept.make()) is Kept and Kept.count == 2
    assert Kept.size == 7 and Base.sub is Kept and derived.field[0].name == "field"
    assert len(derived) == 3 and Base.__annotations__ == {"later": "Derived"}
    assert list(kept["proxy"])[:3] == list(Derived.__dict__)[:3] and kept["proxy"]["who"]
    assert list(Derived.__dict__).index("__init__") < list(Derived.__dict__).index("who")
    red, green, Colors = kept["colors"]
    assert red is Color.RED and green is Color["GREEN"] and Colors is Color
    assert Color(1) is red and list(Color) == [red, green] and red.shout() == "RED!"
    assert kept["access"] == 6 and kept["access"] is Access.R | Access.W
    assert kept["point"] == Point(1) and kept["points"][Point(1)] == "p"
    assert repr(kept["point"]) == "Point(x=1, y=[2])"
    assert dataclasses.replace(kept["point"], x=5).x == 5
    assert kept["slotted"].x == 3 and hasattr(kept["slotted"], "__dict__") is not bool(SLOTS)
    try:
        kept["Shape"]()
    except TypeError as error:
        assert "abstract" in str(error)
    else:
        raise AssertionError
    assert isinstance(kept["foreign"], Shape) and isinstance(kept["square"], Shape)
    assert not isinstance(3, Shape)
    assert kept["pair"] == (1, "r") and kept["pair"].right == "r"
    assert kept["box"].item == 3 and Box[str] and kept["T"] is T
    numbers = kept["numbers"]
    assert numbers == [1, 2] and numbers.label is numbers
    assert kept["table"]["q"] == "q" and kept["table"]["a"] == 1
    assert kept["number"] + 1 == 7 and type(kept["number"]) is MyInt
    assert type(kept["tuple"]) is MyTuple and kept["tuple"] == (1, 2) and type(kept["set"]) is MySet
    assert kept["stateful"].a == 2 and kept["stateful"].restored
    assert list(kept["sequence"]) == ["only"] and kept["super"].who() == "base"
    assert kept["marker"] is dataclasses.MISSING and kept["derived_type"].z == 1
