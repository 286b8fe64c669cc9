"""re.sub with a function, left inside of it."""
import re
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
WORD = re.compile(r"\w+")
seen = []


def upper(match):
    seen.append(match.span())
    checkpoint()
    return match[0].upper()


def nested(match):
    checkpoint()
    return re.sub("[aeiou]", lambda m: (checkpoint(), f"<{m[0]}>")[1], match[0])


class Numbered:
    def __init__(self):
        self.n = 0

    def __call__(self, match):
        self.n += 1
        checkpoint()
        return f"{self.n}{match[0]}" if self.n != 3 else None

    def method(self, match):
        checkpoint()
        return self(match)


def failing(match):
    checkpoint()
    if match.start() > 5:
        raise LookupError(match.start())
    return b"!"


for turn in range(8 * ROUNDS):
    text = f"one two three {turn} and some more"
    numbered = Numbered()
    row = [
        re.sub(r"\b\w", upper, text),
        WORD.sub(nested, text),
        WORD.sub(numbered, text, 4),
        WORD.subn(numbered.method, text),
        re.sub("x*", upper, "abxd"),
        re.sub("t", upper, text, count=2),
        re.sub(b"o", lambda m: (checkpoint(), b"0")[1], text.encode()),
        re.sub("o", "0", text),
    ]
    try:
        re.sub(b"o", failing, text.encode())
    except LookupError as error:
        row.append(repr(error))
    try:
        re.sub("o", lambda m: checkpoint() or 7, text)
    except TypeError as error:
        row.append(str(error))
    print(turn, *row, len(seen), sep="\n  ")
print(seen[-9:])
