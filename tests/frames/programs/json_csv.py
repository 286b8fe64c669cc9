"""json and csv, written and read in turns, with reader and writer objects alive."""
import csv
import io
import json
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1

out = open("rows.csv", "w", newline="")
writer = csv.writer(out)
writer.writerow(["name", "value", "text"])
for i in range(400 * ROUNDS):
    document = {"name": f"n{i}", "values": [i, i / 3, None, True], "nested": {"text": 'q"uote, é'}}
    text = json.dumps(document, sort_keys=True)
    back = json.loads(text)
    assert back == document
    writer.writerow([back["name"], back["values"][1], back["nested"]["text"]])
    if i % 25 == 0:
        checkpoint()
    if i % 100 == 0:
        print(text)
out.close()

with open("rows.csv", newline="") as source:
    reader = csv.DictReader(source)
    total = 0.0
    for row in reader:
        total += float(row["value"])
        if reader.line_num % 40 == 0:
            checkpoint()
    print(reader.line_num, round(total, 6), row)

memory = io.StringIO()
dict_writer = csv.DictWriter(memory, ["a", "b"], delimiter=";", quoting=csv.QUOTE_ALL)
dict_writer.writeheader()
checkpoint()
dict_writer.writerow({"a": 1, "b": "x;y"})
checkpoint()
print(memory.getvalue().splitlines())
print(json.dumps({"k": [1, {"z": ()}]}, indent=2))
