"""dataclasses and Enum members of __main__ keep identity, order and behaviour."""
import dataclasses
import enum
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SLOTS = {"slots": True} if sys.version_info >= (3, 10) else {}


class Colour(enum.Enum):
    RED = 1
    GREEN = 2
    BLUE = 3
    CRIMSON = 1

    @property
    def warm(self):
        checkpoint()
        return self is Colour.RED

    @classmethod
    def _missing_(cls, value):
        return cls.BLUE


class Right(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
    ALL = READ | WRITE


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0
    tags: list = dataclasses.field(default_factory=list, compare=False)

    def __post_init__(self):
        checkpoint()
        self.tags.append(self.x)


@dataclasses.dataclass(frozen=True, order=True, **SLOTS)
class Fixed:
    level: Level
    colour: Colour = dataclasses.field(compare=False, default=Colour.GREEN)

    def raised(self):
        checkpoint()
        return dataclasses.replace(self, level=Level.HIGH)


by_colour = {colour: 0 for colour in Colour}
points = []
for turn in range(600 * ROUNDS):
    colour = Colour(turn % 5)
    checkpoint()
    assert colour is Colour[colour.name] and colour in Colour
    by_colour[colour] += colour.warm + 1
    point = Point(turn, y=turn % 7)
    points.append(point)
    fixed = Fixed(Level.LOW, colour)
    rights = Right.READ | (Right.WRITE if turn % 2 else Right(0))
    checkpoint()
    assert fixed < fixed.raised() and hash(fixed) == hash(Fixed(Level.LOW))
    try:
        fixed.level = 5
    except dataclasses.FrozenInstanceError as error:
        said = str(error)
    if turn % 100 == 0:
        print(point, fixed.raised(), rights == Right.ALL, Right.WRITE in rights, said)
        print(dataclasses.asdict(point), Level.HIGH + turn, Point(1) == Point(1, tags=[5]))
print(by_colour, Colour.CRIMSON is Colour.RED, len(points), Right.ALL.name)
