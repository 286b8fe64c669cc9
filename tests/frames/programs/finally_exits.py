"""finally blocks left by return, break, continue and exceptions, with a suspend inside each."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []


def returning(n):
    try:
        log.append("try")
        return n * 2
    finally:
        checkpoint()
        log.append("finally")


def overriding(n):
    for i in range(3):
        try:
            try:
                raise ValueError(n)
            finally:
                checkpoint()
                log.append(i)
        except ValueError:
            try:
                if i == 1:
                    break
                continue
            finally:
                checkpoint()
                log.append("left")
    return i


def swallowing(n):
    while True:
        try:
            return n
        finally:
            checkpoint()
            if n > 3:
                break
    return -n


def falling_through(n):
    result = []
    try:
        result.append(n)
    except ZeroDivisionError:
        result.append("never")
    else:
        checkpoint()
        result.append("else")
    finally:
        checkpoint()
        result.append("finally")
    return result


for turn in range(600 * ROUNDS):
    row = returning(turn), overriding(turn), swallowing(turn % 6), falling_through(turn)
    if turn % 150 == 0:
        print(row, log[-8:])
print(len(log))
