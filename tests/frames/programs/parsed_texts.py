"""Decoders of JSON and trees of XML in the middle of being walked."""
import json
import sys
import xml.etree.ElementTree as tree

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Pairs(json.JSONDecoder):
    def __init__(self):
        super().__init__(object_pairs_hook=self.paired, parse_float=str, strict=False)
        self.seen = 0

    def paired(self, pairs):
        self.seen += 1
        return tuple(pairs)


def values(decoder, text):
    at = 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        checkpoint()
        yield value


def grown(depth):
    element = tree.Element("node", depth=str(depth))
    element.text = f"text {depth}"
    for n in range(depth % 3 + 1 if depth else 0):
        element.append(grown(depth - 1))
        tree.SubElement(element, "leaf").tail = f"tail {depth}{n}"
    return element


TEXT = '{"a": [1, 2.50, {"b": null}]}[true, "x\ty"]{}12'

for round in range(ROUNDS):
    plain, pairs = json.JSONDecoder(strict=False), Pairs()
    scan = plain.scan_once
    checkpoint()
    print(list(values(plain, TEXT)), list(values(pairs, TEXT)), pairs.seen)
    print(plain.scan_once is scan, pairs.decode('{"z": 1e5}'), pairs.object_pairs_hook.__self__ is pairs)
    encoder = json.JSONEncoder(indent=1)
    for part in encoder.iterencode({"k": [1, {"l": None}]}):
        checkpoint()
        print(repr(part), end=" ")
    print()

    root = grown(4)
    fresh, texts = root.iter(), root.itertext()
    depths = []
    for number, element in enumerate(root.iter("node")):
        if number % 7 == 3:
            checkpoint()
        depths.append(int(element.get("depth")))
    print(depths)
    print([next(texts) for _ in range(5)])
    checkpoint()
    print(sum(1 for _ in fresh), len(list(texts)), list(fresh), list(texts))
    walk = root.iter()
    passed = [next(walk) for _ in range(9)]
    checkpoint()
    tree.SubElement(passed[-1], "late").text = "come late"  # ahead of where the walk is
    print([element.tag for element in walk].count("late"), passed[0] is root)
    for child in root:
        checkpoint()
        print(child.tag, len(list(child.iterfind(".//leaf"))))
