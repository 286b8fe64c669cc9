"""Generators: send, throw, close, yield from, return values, finally inside, pipelines."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
log = []


def averager():
    total, count, average = 0, 0, None
    while True:
        try:
            value = yield average
            checkpoint()
        except ValueError as error:
            checkpoint()
            log.append(f"reset {error}")
            total, count = 0, 0
            continue
        if value is None:
            return total, count
        total += value
        count += 1
        average = total / count


def delegating(name):
    while True:
        total, count = yield from averager()
        checkpoint()
        log.append(f"{name}: {total}/{count}")


def cleaned():
    try:
        for i in range(100):
            yield i
    finally:
        checkpoint()
        log.append("cleaned")


def primes():
    yield 2
    known = [2]
    n = 3
    while True:
        for p in known:
            if n % p == 0:
                break
            if p * p > n:
                known.append(n)
                yield n
                break
        n += 2


def pairs(source):
    while True:
        yield next(source), next(source)


def running_total(source):
    total = 0
    for a, b in source:
        checkpoint()
        total += a * b
        yield total


for turn in range(8 * ROUNDS):
    average = delegating(turn)
    next(average)
    for value in range(60):
        average.send(value)
    average.throw(ValueError("again"))
    for value in range(5):
        last = average.send(value)
    checkpoint()
    average.send(None)
    average.close()
    generator = cleaned()
    for value in generator:
        if value == 50:
            generator.close()
    stream = running_total(pairs(primes()))
    for _ in range(150):
        found = next(stream)
    print(turn, last, value, found, log[-3:], next(generator, "exhausted"))
    del log[:-3]
