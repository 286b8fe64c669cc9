"""A context of coverage's for each test, which is left within it and between two."""
from checkpoint import checkpoint


def test_first():
    checkpoint()
    return helper(1)


def test_second():
    got = helper(2)
    checkpoint()
    return got + helper(0)


def helper(n):
    if n:
        checkpoint()
        return n
    return 0


def outer():
    checkpoint()
    got = test_second()
    checkpoint()
    return got


print(test_first(), helper(0), outer())
checkpoint()
print(test_second())
