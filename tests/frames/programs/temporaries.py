"""Half-evaluated expressions wait on the stack while the calls inside them run."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def c(n):
    total = 0
    for i in range(n % 50):
        total += i * 2 - (i & 3)
    checkpoint()
    return total + 1


def b(n):
    return 3 + c(n)


def a(n):
    return 5 * (3 + b(n)) - [n, b(n + 1), c(2)][1] + {"k": c(n)}["k"] + (n, c(n), 7)[2]


def text(n):
    return f"{n}:{a(n):>6}|{b(n)!r}|" + "-".join([str(c(n)), str(c(1))])


def slices(n):
    row = list(range(60))
    row[c(3) : c(4)] = [c(5)] * 2
    row[c(2) % 10] += c(n)
    return row[c(1) :: c(2) + 1][:4]


for turn in range(400 * ROUNDS):
    if turn % 50 == 0:
        print(text(turn), slices(turn))
    else:
        assert a(turn) == 5 * (3 + b(turn)) - b(turn + 1) + c(turn) + 7
print("done", turn)
