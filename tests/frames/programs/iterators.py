"""itertools and builtin iterators stand where they stood; later changes of the list are seen."""
import itertools
import operator
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def take(n, iterator):
    taken = []
    for item in iterator:
        taken.append(item)
        if len(taken) == n:
            break
    return taken


def streams(n):
    row = list(range(n))
    return row, {
        "chain": itertools.chain("ab", row, (1, 2)),
        "nested": itertools.chain.from_iterable([[1, 2], [3], [4, 5, 6]]),
        "count": itertools.count(n, 3),
        "cycle": itertools.cycle("xyz"),
        "repeat": itertools.repeat("r", 9),
        "accumulate": itertools.accumulate(row, operator.mul, initial=1),
        "combinations": itertools.combinations(row, 3),
        "permutations": itertools.permutations("abcd", 2),
        "product": itertools.product("ab", [1, 2, 3], repeat=1),
        "islice": itertools.islice(itertools.count(), 2, 40, 3),
        "starmap": itertools.starmap(pow, [(2, 3), (3, 2), (10, 3), (1, 1), (2, 2), (5, 1)]),
        "compress": itertools.compress("abcdefghij", [1, 0, 1, 1, 0, 1, 1, 1, 0, 1]),
        "longest": itertools.zip_longest("ab", row, fillvalue="-"),
        "list": iter(row),
        "reversed": reversed(row),
        "enumerate": enumerate(row, 10),
        "zip": zip(row, "zipzipzip", itertools.count()),
        "map": map(str, row),
        "filter": filter(None, row),
        "range": iter(range(n, 100, 7)),
        "string": iter("äöü☃ text"),
        "bytes": iter(b"bytes here"),
        "dict": iter({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}),
        "items": iter({i: i * i for i in range(9)}.items()),
        "set": iter({1, 2, 3, 4, 5, 6, 7}),
        "callable": iter(itertools.count().__next__, 6),
        **({"pairwise": itertools.pairwise(row)} if sys.version_info >= (3, 10) else {}),
    }


for turn in range(15 * ROUNDS):
    row, running = streams(8)
    first = {name: take(2, iterator) for name, iterator in running.items()}
    checkpoint()
    row.append(99)
    second = {}
    for name, iterator in running.items():
        second[name] = take(3, iterator)
        checkpoint()
    left, right = itertools.tee(running["count"])
    ahead = take(4, left)
    checkpoint()
    behind = take(2, right)
    if turn % 5 == 0:
        for name in running:
            print(name, first[name], second[name])
        print("tee", ahead, behind, take(3, right), next(left))
