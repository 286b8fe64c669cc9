"""Values to bytes and back, as spec/values.md says: marshal where it can, Python where it must."""

import gc
import marshal
import sys

try:
    import _struct as struct  # half of `struct`, and all of it that is used
except ImportError:
    import struct

PY2 = sys.version_info[0] == 2
TEXT = type(b"".decode("ascii"))
INTS = (int, type(1 << 70))
ATOMS = frozenset([type(None), bool, int, type(1 << 70), float, complex, bytes, TEXT])
CONTAINERS = (tuple, list, dict, set, frozenset)
# marshal writes these too, and a controller refuses them.
MARSHAL_ONLY = (type((lambda: 0).__code__), type, type(Ellipsis))
DEEPEST = 1000
LARGEST = 0x7FFFFFFF
JYTHON = sys.platform.startswith("java")  # its marshal is not to be relied on

TAG_SIZE = struct.Struct("<cI")
TAG_LONG_SIZE = struct.Struct("<cQ")
TAG_INT = struct.Struct("<ci")
TAG_FLOAT = struct.Struct("<cd")
TAG_COMPLEX = struct.Struct("<cdd")


class DataFormatError(Exception):
    pass


class DumpError(DataFormatError):
    """The value cannot be sent; says which part of it."""


class LoadError(DataFormatError):
    """What arrived is no value."""


def dumps(value, is_channel=None):
    """The encoding, and whether it is EXTENDED. `is_channel(object)` tells what `C` is for."""
    if not JYTHON:
        try:
            data = marshal.dumps(value, 2)
        except ValueError:
            return encode(value, is_channel)
        if type(value) in ATOMS:
            return data, False
        # Only where their tags occur can there be code, types or Ellipsis.
        if b"c" not in data and b"S" not in data and b"." not in data or only_values(value):
            return data, False
    return encode(value, is_channel)


def only_values(value):
    """Whether all is within values.md of what marshal has written without complaint."""
    todo = [value]
    while todo:
        value = todo.pop()
        kind = type(value)
        if kind is dict:
            todo.append(list(value))
            value = value.values()
        elif kind in MARSHAL_ONLY:
            return False
        elif kind not in CONTAINERS:
            continue
        if not ATOMS.issuperset(map(type, value)):
            todo.extend([item for item in value if type(item) not in ATOMS])
    return True


def encode(value, is_channel=None):
    """As dumps, in Python: for channels, for what is huge, and to say what cannot be sent."""
    out = []
    extended = False
    labels, running, closers = [], [iter([(None, value)])], [b""]
    while running:
        for label, item in running[-1]:
            kind = type(item)
            if kind in CONTAINERS:
                if len(running) > DEEPEST:
                    raise DumpError("a value is nested too deeply, or contains itself")
                out.append(opening(item, kind))
                labels.append(label)
                running.append(parts(item, kind))
                closers.append(b"0" if kind is dict else b"")
                break
            if is_channel is not None and is_channel(item):
                out.append(TAG_SIZE.pack(b"C", item.id))
                extended = True
                continue
            if kind is bytearray or kind is memoryview:
                item = bytes(item) if kind is bytearray else item.tobytes()
            data = atom(item)
            if data is None:
                where = "".join([name for name in labels + [label] if name])
                raise DumpError(
                    "can't serialize an object of type %s%s"
                    % (describe(kind), " at %s" % where if where else "")
                )
            extended = extended or data[:1] in b"BU"
            out.append(data)
        else:
            running.pop()
            out.append(closers.pop())
            if labels:
                labels.pop()
    return b"".join(out), extended


def describe(kind):
    module = getattr(kind, "__module__", None)
    return (
        kind.__name__
        if module in (None, "builtins", "__builtin__")
        else ("%s.%s" % (module, kind.__name__))
    )


def opening(item, kind):
    if kind is dict:
        return b"{"
    tag = {tuple: b"(", list: b"[", set: b"<", frozenset: b">"}[kind]
    return TAG_SIZE.pack(tag, len(item))


def parts(item, kind):
    if kind is dict:
        for key, value in item.items():
            yield "[%r] (the key)" % (key,), key
            yield "[%r]" % (key,), value
    elif kind is list or kind is tuple:
        for index, value in enumerate(item):
            yield "[%d]" % index, value
    else:
        for value in item:
            yield "{%r}" % (value,), value


def atom(item):
    kind = type(item)
    if item is None:
        return b"N"
    if kind is bool:
        return b"T" if item else b"F"
    if kind in INTS:
        return whole_number(item)
    if kind is float:
        return TAG_FLOAT.pack(b"g", item)
    if kind is complex:
        return TAG_COMPLEX.pack(b"y", item.real, item.imag)
    if kind is bytes:
        return sized(b"s", b"B", item)
    if kind is TEXT:
        return sized(
            b"u", b"U", item.encode("utf-8") if PY2 else item.encode("utf-8", "surrogatepass")
        )
    return None


def sized(tag, large_tag, data):
    if len(data) <= LARGEST:
        return TAG_SIZE.pack(tag, len(data)) + data
    return TAG_LONG_SIZE.pack(large_tag, len(data)) + data


def whole_number(item):
    if -0x80000000 <= item <= LARGEST:
        return TAG_INT.pack(b"i", item)
    digits = []
    rest = abs(item)
    while rest:
        digits.append(rest & 0x7FFF)
        rest >>= 15
    count = len(digits) if item > 0 else -len(digits)
    return TAG_INT.pack(b"l", count) + struct.pack("<%dH" % len(digits), *digits)


def loads(data, extended=False, py3str_as_py2str=False, channel=None):
    """The value of an encoding that comes from our controller. `channel(id)` makes those of `C`."""
    if extended or JYTHON or (PY2 and py3str_as_py2str):
        return Decoder(data, extended, PY2 and py3str_as_py2str, channel).value()
    try:
        if len(data) < 4096 or not gc.isenabled():
            return marshal.loads(data)
        gc.disable()  # most of the time of a nested value is its search for garbage
        try:
            return marshal.loads(data)
        finally:
            gc.enable()
    except (ValueError, EOFError, TypeError) as error:
        raise LoadError("no value: %s" % error)


class Decoder(object):
    """Reads one payload in Python: what marshal does not know, with every size checked."""

    def __init__(self, data, extended=True, text_as_bytes=False, channel=None):
        self.data, self.at = data, 0
        self.extended, self.text_as_bytes, self.channel = extended, text_as_bytes, channel
        self.interned = []

    def value(self):
        try:
            value = self.read()
        except (struct.error, TypeError, UnicodeError) as error:  # TypeError: a list as a key
            raise LoadError("no value: %s" % error)
        if self.at != len(self.data):
            raise LoadError("%d bytes are left over" % (len(self.data) - self.at))
        return value

    def take(self, size):
        piece = self.data[self.at : self.at + size]
        if len(piece) != size:
            raise LoadError("the data ends early")
        self.at += size
        return piece

    def number(self, form, size):
        return struct.unpack(form, self.take(size))[0]

    def read(self):
        # Containers that are not complete yet: (tag, how many items, items).
        stack = []
        while True:
            tag = self.take(1)
            if tag in b"([<>" and tag:
                count = self.number("<I", 4)
                if count > len(self.data) - self.at:
                    raise LoadError("a count runs past the end")
                stack.append((tag, count, []))
            elif tag == b"{":
                stack.append((tag, -1, []))
            elif tag == b"0":
                if not stack or stack[-1][1] != -1 or len(stack[-1][2]) % 2:
                    raise LoadError("an end without a dict")
                items = stack.pop()[2]
                value = dict(zip(items[::2], items[1::2]))
                if not stack:
                    return value
                stack[-1][2].append(value)
            else:
                value = self.leaf(tag)
                if not stack:
                    return value
                stack[-1][2].append(value)
            if len(stack) > DEEPEST:
                raise LoadError("nested too deeply")
            while stack and len(stack[-1][2]) == stack[-1][1]:
                tag, _, items = stack.pop()
                kind = {b"(": tuple, b"[": list, b"<": set, b">": frozenset}[tag]
                value = items if kind is list else kind(items)
                if not stack:
                    return value
                stack[-1][2].append(value)

    def leaf(self, tag):
        if tag == b"N":
            return None
        if tag == b"T" or tag == b"F":
            return tag == b"T"
        if tag == b"i":
            return self.number("<i", 4)
        if tag == b"I":
            return self.number("<q", 8)
        if tag == b"l":
            return self.digits()
        if tag == b"g":
            return self.number("<d", 8)
        if tag == b"y":
            return complex(*struct.unpack("<dd", self.take(16)))
        if tag == b"s":
            return self.take(self.number("<I", 4))
        if tag == b"u":
            return self.text(self.take(self.number("<I", 4)))
        if tag == b"t":
            self.interned.append(self.take(self.number("<I", 4)))
            return self.interned[-1]
        if tag == b"R":
            number = self.number("<I", 4)
            if number < len(self.interned):
                return self.interned[number]
        elif self.extended:
            if tag == b"B":
                return self.take(self.number("<Q", 8))
            if tag == b"U":
                return self.text(self.take(self.number("<Q", 8)))
            if tag == b"C" and self.channel is not None:
                return self.channel(self.number("<I", 4))
        raise LoadError("no value starts with %r" % (tag,))

    def digits(self):
        count = self.number("<i", 4)
        digits = struct.unpack("<%dH" % abs(count), self.take(2 * abs(count)))
        if digits and (digits[-1] == 0 or max(digits) > 0x7FFF):
            raise LoadError("an int with wrong digits")
        value = 0
        for digit in reversed(digits):
            value = value << 15 | digit
        return value if count >= 0 else -value

    def text(self, data):
        if self.text_as_bytes:
            return data
        return data.decode("utf-8") if PY2 else data.decode("utf-8", "surrogatepass")
