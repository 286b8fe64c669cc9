"""String building: re with callbacks, format, textwrap, translate, encodings, StringIO."""
import io
import re
import string
import sys
import textwrap
import unicodedata

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
WORD = re.compile(r"(?P<first>\w)(\w*)", re.UNICODE)
SOURCE = "The quick brown fox, naïve and ☃ cold, jumps over 13 lazy dogs. "


def capitals(text):
    parts, end = [], 0
    for match in WORD.finditer(text):
        parts.append(text[end : match.start()])
        parts.append(match["first"].upper() + match[2])
        end = match.end()
        attempt()
    return "".join(parts) + text[end:]


def caesar(text, by):
    letters = string.ascii_lowercase
    return text.translate(str.maketrans(letters, letters[by:] + letters[:by]))


def reverse_words(text):
    words = []
    for word in text.split():
        reverse = ""
        for c in word:
            reverse = c + reverse
        words.append(reverse)
    checkpoint()
    return " ".join(words)


def histogram(text):
    counts = {}
    for c in text:
        if c.isalpha():
            counts[c] = counts.get(c, 0) + 1
    return "".join([f"{c}{counts[c]}" for c in sorted(counts)])


buffer = io.StringIO()
text = SOURCE * 2
for turn in range(100 * ROUNDS):
    text = reverse_words(capitals(caesar(text, turn % 26)))
    wrapped = textwrap.fill(text, width=30 + turn % 20, initial_indent="* ")
    checkpoint()
    encoded = text.encode("utf-16-le").hex()[:12], text.encode("utf-8")[-6:]
    numbers = "{:>8.3f}|{:<6}|{:^+9,}|{!r:.5}".format(turn / 7, turn, turn * 1000, text)
    buffer.write(f"{turn:03x} {numbers} %-5s|%05d\n" % (text[:3], turn))
    folded = unicodedata.normalize("NFD", text)
    if turn % 20 == 0:
        print(wrapped, encoded, numbers, len(folded), histogram(text), sep="\n")
print(len(buffer.getvalue()), buffer.getvalue()[-90:], sep="\n")
print(string.Template("$who likes ${what}").substitute(who="tim", what="kung pao"))
