"""Matches, finditer in progress, compiled struct formats."""

import re
import struct

from copying import copied, run

PATTERN = re.compile(r"(?P<first>\w)(\d)?(?:(x)|(y))*")
SUBJECTS = ["a1xy", "ä☃ b2", "", "𝔘n1x"]


def everything(match):
    groups = range(PATTERN.groups + 1)
    return (
        [(match.group(n), match.span(n)) for n in groups],
        match.groups("-"),
        match.groupdict(),
        (match.pos, match.endpos, match.lastindex, match.lastgroup),
        match.regs,
        repr(match),
        match.expand(r"<\g<first>>"),
    )


def case_matches():
    for subject in SUBJECTS:
        for match in PATTERN.finditer(subject):
            pattern, twin, again = copied([PATTERN, match, match])
            assert twin is again and twin is not match
            assert everything(twin) == everything(match)
            assert twin.string is match.string and twin.re is pattern


def case_a_match_found_in_part_of_a_string():
    match = PATTERN.search("--a1xy--", 2, 5)
    assert everything(copied(match)) == everything(match)
    assert (copied(match).pos, copied(match).endpos) == (2, 5)
    match = re.match(b"(a)|(b)", b"b")
    twin = copied(match)
    assert twin.groups() == (None, b"b") and twin.span(1) == (-1, -1) and twin.re is match.re


def case_the_spans_are_made_when_asked_for():
    match = re.match("(a)(b)", "ab")
    assert copied(match).regs == ((0, 2), (0, 1), (1, 2))
    spans = match.regs
    twin, same = copied([match, spans])
    assert twin.regs is same


def case_finditer_goes_on():
    for pattern in ("", r"\b", "a*", "[ab]", "☃?"):
        for subject in ("abaab", "☃a☃ba", "𝔘a𝔘", ""):
            spans = [match.span() for match in re.finditer(pattern, subject)]
            for done in range(len(spans) + 2):
                iterator = re.finditer(pattern, subject)
                for _ in range(done):
                    next(iterator, None)
                twin = copied(iterator)
                assert [match.span() for match in twin] == spans[done:], (pattern, subject, done)
                assert [match.span() for match in iterator] == spans[done:]


def case_a_scanner_of_part_of_bytes():
    scanner = re.compile(b"[ab]").scanner(b"aabcab", 1, 5)
    scanner.search()
    twin = copied(scanner)
    found = []
    while match := twin.search():
        found.append((match.span(), match.pos, match.endpos))
    assert found == [((2, 3), 1, 5), ((4, 5), 1, 5)]
    assert twin.pattern is scanner.pattern
    assert copied(twin).search() is None


def case_formats():
    class Own(struct.Struct):
        pass

    for kind in (struct.Struct, Own):
        packer = kind("<hI3s")
        twin, again = copied([packer, packer])
        assert type(twin) is kind and twin is again
        assert (twin.format, twin.size) == ("<hI3s", 9)
        assert twin.unpack(packer.pack(-1, 7, b"abc")) == (-1, 7, b"abc")
    packer.name = "named"
    assert copied(packer).name == "named"


run(globals())
