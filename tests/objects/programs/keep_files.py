"""Open files go on at their position, layer by layer."""

import contextlib
import csv
import gc
import io
import os
import sys
import tempfile

from copying import copied, run

from elsewhere import _state
from elsewhere._keep import files
from elsewhere.errors import InputOutputError, Refused

FOLDER = tempfile.mkdtemp()


def path_of(name, text=None):
    path = os.path.join(FOLDER, name)
    if text is not None:
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
    return path


@contextlib.contextmanager
def raises(kind, *words):
    try:
        yield
    except kind as error:
        for word in words:
            assert str(word) in str(error), (word, str(error))
        assert getattr(error, "hint", "hint")
    else:
        raise AssertionError(f"no {kind.__name__}")


LINES = "".join(f"line {n} \u20ac\n" for n in range(3000))


def case_in_the_middle_of_iterating_over_lines():
    for newline in (None, "", "\n"):
        with open(path_of("lines", LINES), encoding="utf-8", newline=newline) as file:
            for _ in range(1234):
                next(file)
            twin = copied(file)
            with raises(OSError):
                twin.tell()
            rest = list(twin)
            assert len(rest) == 3000 - 1234
            assert rest == list(file)
            assert twin.tell() == file.tell()
            twin.close()


def case_reading_text_by_characters():
    for encoding in ("utf-8", "utf-16", "utf-8-sig", "shift_jis", "iso2022_jp", "utf-7"):
        content = "\u3042\u3044\r\nabc\u3046" * 3000
        path = path_of("text", content.encode(encoding))
        with open(path, encoding=encoding) as file:
            read = file.read(1001)
            place = None if encoding == "utf-7" else file.tell()
            twin = copied(file)
            assert place is None or twin.tell() == place
            assert read + twin.read() == content.replace("\r\n", "\n"), encoding
            assert twin.newlines == "\r\n" and twin.encoding == file.encoding
            if place is not None:
                twin.seek(place)
                assert twin.read() == file.read()


def case_newlines_seen():
    with open(path_of("newlines", b"a\rb\nc\r\nd\r" + b"x" * 9000)) as file:
        file.readline()
        file.readline()
        file.readline()
        twin = copied(file)
        assert twin.newlines == file.newlines, (twin.newlines, file.newlines)


def case_binary_files_in_every_mode():
    for mode in ("rb", "r+b"):
        path = path_of("binary", bytes(range(256)) * 100)
        with open(path, mode) as file:
            file.read(777)
            twin = copied(file)
            assert twin.tell() == 777 and twin.mode == file.mode and twin.name == path
            assert twin.read(10000) == file.read(10000)
            assert twin.raw.tell() == file.raw.tell()
    with open(path_of("binary", b"0123456789"), "r+b") as file:
        file.read(3)
        file.write(b"XX")
        twin = copied(file)
        assert twin.read(2) == b"56"
        twin.write(b"Y")
        twin.close()
    assert open(path_of("binary"), "rb").read() == b"012XX56Y89"


def case_writing_goes_on_without_truncating():
    for mode in ("w", "x", "a", "w+", "a+"):
        path = os.path.join(FOLDER, "written" + mode)
        with open(path, mode) as file:
            file.write("first\n")
            twin = copied(file)
            assert twin.mode == mode and twin.buffer.mode == file.buffer.mode
            twin.write("second\n")
            twin.close()
        assert open(path).read() == "first\nsecond\n", mode


def case_a_byte_order_mark_is_written_once():
    path = path_of("bom")
    with open(path, "w", encoding="utf-16") as file:
        file.write("a")
        with copied(file) as twin:
            twin.write("b")
    assert open(path, encoding="utf-16").read() == "ab"
    assert os.path.getsize(path) == 6


def case_settings_of_text_files():
    path = path_of("settings", "")
    with open(path, "a", 1, encoding="latin-1", errors="replace", newline="\r\n") as file:
        file.reconfigure(write_through=True)
        twin = copied(file)
        names = ("encoding", "errors", "line_buffering", "write_through", "name", "mode")
        for name in names:
            assert getattr(twin, name) == getattr(file, name), name
        twin.write("\u20ac\n")
        twin.close()
    assert open(path, "rb").read() == b"?\r\n"


def case_the_layers_keep_their_identity():
    with open(path_of("layers", "abc")) as file:
        twin, buffer, raw = copied([file, file.buffer, file.buffer.raw])
        assert twin.buffer is buffer and buffer.raw is raw
        raw, buffer, twin = copied([file.buffer.raw, file.buffer, file])
        assert twin.buffer is buffer and buffer.raw is raw
        assert twin.read() == "abc"


def case_flush_all_precedes_the_positions():
    with open(path_of("flushed"), "w") as file:
        file.write("some text")
        files.flush_all()
        raw, twin = copied([file.buffer.raw, file])
        assert raw.tell() == 9
        twin.write("!")
        twin.close()
    assert open(path_of("flushed")).read() == "some text!"


def case_unbuffered_and_small_buffers():
    path = path_of("raw", b"abcdefgh")
    with open(path, "rb", 0) as raw:
        raw.read(3)
        assert copied(raw).read() == b"defgh"
    with open(path, "rb", 4) as file:
        file.read(1)
        twin = copied(file)
        assert twin.peek() == file.peek() == b"bcd"
        assert twin.read() == b"bcdefgh"


def case_closed_files_stay_closed():
    for mode in ("r", "rb", "a", "ab", "r+b"):
        path = path_of("closed", "abc")
        file = open(path, mode)
        file.close()
        twin = copied(file)
        assert twin.closed and twin.name == path and twin.mode == file.mode
        with raises(ValueError, "" if "a" in mode else "closed"):
            twin.read()
        twin.close()
    one = open(path)
    one.close()
    twin, buffer = copied([one, one.buffer])
    assert twin.buffer is buffer and buffer.closed and buffer.raw.closed


def case_detached_files():
    file = open(path_of("detached", "abc"))
    buffer = file.detach()
    twin, twin_buffer = copied([file, buffer])
    with raises(ValueError, "detached"):
        twin.read()
    assert twin_buffer.read() == b"abc"


def case_the_descriptor_keeps_its_number_where_it_can():
    gc.collect()  # no file of another case is closed in between
    file = open(path_of("number", "abc"))
    number = file.fileno()
    reduced = file.buffer.raw.__class__, files.reduce_raw(file.buffer.raw)
    file.close()
    function, arguments, attributes = reduced[1]
    spare = os.open(os.devnull, os.O_RDONLY)  # the number is taken
    raw = function(*arguments)
    assert raw.fileno() != number and spare == number
    raw.close()
    os.close(spare)
    spare = os.open(os.devnull, os.O_RDONLY)
    os.dup2(spare, spare + 5)
    os.close(spare)
    raw = function(*arguments)
    assert raw.fileno() == number
    raw.close()


def reduced(file):
    """The description of an open file, as it lies in a snapshot."""
    function, arguments, *_ = files.reduce_raw(file)
    file.close()
    return lambda: function(*arguments)


def case_what_happened_to_the_file_in_between():
    path = path_of("gone", "abcdef")
    again = reduced(open(path, "rb", 0))
    os.unlink(path)
    with raises(InputOutputError, path):
        again()
    file = open(path_of("shorter", "abcdef"), "rb", 0)
    file.read(5)
    again = reduced(file)
    os.truncate(path_of("shorter"), 3)
    with raises(InputOutputError, path_of("shorter"), "3 bytes", "byte 5"):
        again()
    again = reduced(open(path_of("changed", "abcdef"), "rb", 0))
    path_of("changed", "abcdEf")
    with raises(InputOutputError, path_of("changed"), "changed"):
        again()
    again = reduced(open(path_of("grown", "abcdef"), "rb", 0))
    path_of("grown", "abcdef and more")
    assert again().read() == b"abcdef and more"
    file = open(path_of("cut"), "wb", 0)
    file.write(b"abcdef")
    again = reduced(file)
    os.truncate(path_of("cut"), 2)
    with raises(InputOutputError, path_of("cut")):
        again()


def case_after_a_checkpoint_later_writes_are_cut_off():
    for mode in ("wb", "ab", "xb"):
        path = os.path.join(FOLDER, "checkpoint" + mode)
        file = open(path, mode, 0)
        file.write(b"kept")
        again = reduced(file)
        with open(path, "ab") as later:
            later.write(b" later")
        _state.purpose = "checkpoint"
        try:
            with again() as twin:
                twin.write(b"!")
        finally:
            _state.purpose = "suspend"
        assert open(path, "rb").read() == b"kept!", mode


def case_what_cannot_be_opened_again_is_refused():
    path = path_of("deleted", "abc")
    with open(path, "rb") as file:
        os.unlink(path)
        with raises(Refused, path, "no path"):
            copied(file)
    reading, writing = os.pipe()
    with open(reading, "rb") as reader, open(writing, "wb") as writer:
        with raises(Refused, "pipe", reading):
            copied(reader)
        with raises(Refused, "pipe", writing):
            copied(writer)
    with tempfile.TemporaryFile() as file:
        with raises(Refused, "no path"):
            copied(file)
    with open(path_of("shared", "abc")) as file, open(file.fileno(), closefd=False) as other:
        with raises(Refused, "descriptor"):
            copied(other)


def case_renamed_files_are_found():
    with open(path_of("before", "abcdef")) as file:
        file.read(2)
        os.rename(path_of("before"), path_of("after"))
        assert copied(file).read() == "cdef"


def case_standard_streams_by_role():
    streams = [sys.__stdin__, sys.__stdout__, sys.__stderr__]
    for stream in streams:
        layers = [stream, stream.buffer, getattr(stream.buffer, "raw", None)]
        assert all(a is b for a, b in zip(layers, copied(layers)))
    other = copied(open(1, "w", closefd=False))
    assert other.fileno() == 1


def case_devices():
    with open(os.devnull, "w") as file:
        copied(file).write("x")
    with open("/dev/urandom", "rb") as file:
        file.read(3)
        assert len(copied(file).read(5)) == 5


def case_named_temporary_files():
    with tempfile.NamedTemporaryFile("w+", delete=False) as file:
        file.write("abc")
        twin = copied(file)
        twin.seek(0)
        assert twin.read() == "abc" and twin.name == file.name


def case_files_in_memory():
    text, data = io.StringIO("abc\ndef\n"), io.BytesIO(b"abcdef")
    text.readline(), data.read(2)
    twin, other = copied([text, data])
    assert twin.read() == "def\n" and other.read() == b"cdef"
    twin.write("more")
    assert twin.getvalue() == "abc\ndef\nmore"
    data.close()
    assert copied(data).closed
    wrapped = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"one\ntwo\nthree\n")))
    next(wrapped)
    assert list(copied(wrapped)) == ["two\n", "three\n"]


def case_csv():
    path = path_of("rows.csv", "a;b\r\n1;'x\r\ny'\r\n2;z\r\n3;w\r\n")
    with open(path, newline="") as file:
        reader = csv.reader(file, delimiter=";", quotechar="'")
        next(reader), next(reader)
        twin, twin_file = copied([reader, file])
        assert twin.line_num == 3 and next(twin) == ["2", "z"] and twin.line_num == 4
        twin_file.close()
        with raises(ValueError):
            next(twin)
        assert list(reader) == [["2", "z"], ["3", "w"]]
    with open(path, newline="") as file:
        reader = csv.DictReader(file, delimiter=";", quotechar="'")
        next(reader)
        assert [row["b"] for row in copied(reader)] == ["z", "w"]
    twin = copied(reader)  # its file is closed
    assert twin.line_num == reader.line_num
    with raises(ValueError):
        next(twin)
    with open(path_of("out.csv"), "w", newline="") as file:
        writer = csv.writer(file, dialect="excel-tab")
        writer.writerow([1, "a b"])
        twin, twin_file = copied([writer, file])
        twin.writerow([2, "c"])
        twin_file.close()
        assert twin.dialect.delimiter == "\t"
    assert open(path_of("out.csv"), newline="").read() == "1\ta b\r\n2\tc\r\n"


run(globals())
