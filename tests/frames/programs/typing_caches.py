"""What typing has made before is what it hands out afterwards: List[int] is List[int]."""
import sys
from typing import *

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def made():
    return {
        "list": List[int],
        "dict": Dict[str, float],
        "union": Union[int, str],
        "optional": Optional[bytes],
        "callable": Callable[[int, str], bool],
        "any arguments": Callable[..., None],
        "literal": Literal[1, "two", b"three"],
        "true": Literal[True],
        "class variable": ClassVar[int],
        "final": Final[List[str]],
        "tuple": Tuple[int, ...],
        "type": Type[Exception],
        "nested": Dict[str, List[Optional[Any]]],
        "iterators": Iterator[Tuple[str, int]],
        "none": List[None],
        "annotated": Annotated[int, "metres"],
    }


class Own:
    pass


for turn in range(ROUNDS):
    before, own = made(), List[Own]
    checkpoint()
    after = made()
    print([name for name in before if before[name] is not after[name]], before == after, own == List[Own])
    checkpoint()
    print([name for name in before if made()[name] is not after[name]])
