"""copy.deepcopy and the pickler that is written in Python, which know objects by their addresses."""
import copy
import io
import pickle
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Leaf:
    def __init__(self, number):
        self.number = number

    def __deepcopy__(self, memo):
        checkpoint()
        return Leaf(self.number + 1)

    def __reduce__(self):
        attempt()
        return Leaf, (self.number,)


def same(items):
    return [[a is b for b in items] for a in items]


for turn in range(12 * ROUNDS):
    shared = [turn]
    leaf = Leaf(turn)
    tree = [shared, leaf, {"shared": shared, "leaf": leaf}, shared, (leaf,)]
    made = copy.deepcopy(tree)
    checkpoint()
    print(turn, same([made[0], made[2]["shared"], made[3]]), same([made[1], made[2]["leaf"], made[4][0]]))
    file = io.BytesIO()
    pickle._Pickler(file, 4).dump(tree)
    made = pickle.loads(file.getvalue())
    print(same([made[0], made[2]["shared"], made[3]]), same([made[1], made[2]["leaf"], made[4][0]]))
