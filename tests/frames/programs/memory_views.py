"""memoryview: whole, sliced, with steps, cast, read-only, released; they share what they look at."""
import array
import hashlib
import io
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def views():
    data, frozen, numbers = bytearray(range(48)), bytes(range(24)), array.array("i", range(12))
    released = memoryview(b"gone")
    released.release()
    return data, numbers, {
        "whole": memoryview(data),
        "slice": memoryview(data)[5:20],
        "empty": memoryview(data)[7:7],
        "steps": memoryview(data)[3:40:7],
        "backwards": memoryview(data)[40:3:-5],
        "all backwards": memoryview(data)[::-1],
        "one": memoryview(data)[9:10:3],
        "cast": memoryview(data).cast("I"),
        "cast slice": memoryview(data).cast("H")[2:9],
        "cast steps": memoryview(data).cast("H")[9:2:-3],
        "table": memoryview(data).cast("B", (6, 8)),
        "part of a table": memoryview(data)[8:32].cast("H", (3, 4)),
        "scalar": memoryview(data)[4:8].cast("i", ()),
        "bytes": memoryview(frozen)[2:],
        "read only": memoryview(data)[8:].toreadonly(),
        "numbers": memoryview(numbers),
        "number slice": memoryview(numbers)[3:9:2],
        "number bytes": memoryview(numbers).cast("B")[4:12],
        "characters": memoryview(frozen).cast("c")[1:4],
        "truths": memoryview(frozen).cast("?")[:3],
        "view of a view": memoryview(memoryview(data)[4:])[4:],
        "released": released,
    }


def shown(view):
    try:
        return view.format, view.shape, view.strides, view.readonly, view.tolist(), view.contiguous
    except ValueError as error:
        return str(error)


def chunks(view):
    while view:
        checkpoint()
        yield view[:7]
        view = view[7:]


for round in range(ROUNDS):
    data, numbers, every = views()
    checkpoint()
    for name, view in every.items():
        print(name, shown(view))
    data[8:12] = b"\xff\xfe\xfd\xfc"
    numbers[5] = -1
    checkpoint()
    print([every[name].tolist() for name in ["whole", "steps", "table", "number slice", "read only"]])
    print(every["whole"].obj is data, every["view of a view"].obj is data, every["numbers"].obj is numbers)
    try:
        data.append(1)
    except BufferError as error:
        print(error)
    every.clear()
    view = None
    data.append(1)
    numbers.append(2)
    with memoryview(data) as view:
        checkpoint()
        view[0] = 99
    print(data[0], shown(view))
    digest = hashlib.sha256(b"".join(chunks(memoryview(data)))).hexdigest()
    print(digest[:8], [bytes(chunk) for chunk in chunks(memoryview(b"abcdefghijklmnop"))])
    file = io.BytesIO(bytes(100))
    for at in range(3):
        buffer = bytearray(10)
        into = memoryview(buffer)[at:]
        checkpoint()
        print(file.readinto(into), len(into), file.tell())
