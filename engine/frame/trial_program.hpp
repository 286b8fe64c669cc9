#pragma once

namespace elsewhere::frame {

// Each `kind()` dies in another instruction, often enough for the interpreter to specialise it.
// `value` is what takes its place.
constexpr const char *experiment = R"(
class Plain:
    def __del__(self):
        note()

class Closing(Plain):
    def __del__(self):
        __class__
        note()

class Given:
    def __del__(self, note=note):
        note()

class Holder:
    pass

class Slotted:
    __slots__ = ("a",)

def run(kind):
    global g
    c = 0
    def cell():
        return c
    holder, other, slotted, table, row = Holder(), Holder(), Slotted(), {}, [0]
    other.__dict__
    made, mixed = Holder(), Holder()
    made.__dict__, mixed.__dict__ = {}, {1: 1}
    for turn in range(40):
        kind()
        x = kind()
        x = turn
        other.b = 0
        x = kind()
        x = 0
        holder.b = 0
        x = y = kind()
        x, y = 0, 0
        x = kind()
        x, y = 0, 0
        x = kind()
        del x
        c = kind()
        c = 0
        c = kind()
        del c
        g = kind()
        g = value
        g = kind()
        del g
        for owner in holder, other, made, mixed:
            owner.a = kind()
            owner.a = value
            owner.a = kind()
            del owner.a
        holder.a = kind()
        holder.a = value
        del holder.a
        slotted.a = kind()
        slotted.a = value
        slotted.a = kind()
        del slotted.a
        for key in "a", kind:
            table[key] = kind()
            table[key] = value
            table[key] = kind()
            del table[key]
        row[0] = kind()
        row[0] = value
        row[0] = kind()
        del row[0]
        row[:] = kind(), 0
        del row[0]

def once(kind):
    class Fresh:
        pass
    slotted, table, row = Slotted(), {}, [0]
    for holder in Fresh(), Fresh(), Holder():
        holder.a = kind()
        holder.a = value
        holder.a = 0
    for holder in Fresh(), Holder():
        holder.a = kind()
        del holder.a
    slotted.a = kind()
    slotted.a = value
    del slotted.a
    table["a"] = kind()
    table["a"] = value
    del table["a"]
    row[0] = kind()
    row[0] = value
    row[0] = 0

def left(kind, value):
    one = kind()
    other = kind()
    leaving(2)
    return value

def left_with_default(kind, value=0, *rest, last=0):
    one = kind()
    other = kind()
    leaving(2)
    return 1

def left_with_more(kind, value, *rest):
    more = [value]
    one = kind()
    same = one
    others = value, more
    other = kind()
    last = more
    leaving(2)
    return last

def left_with_less(make, *rest):
    rest = rest[0], make(), make(), [1]
    one, other, rest = rest[1], rest[2], 1
    leaving(2)
    return [one] and None

def left_with_many(kind): # a compiler may have made several of C's loop
    a, b, c, d, e, f = kind(), kind(), kind(), kind(), kind(), kind()
    g, h, i, j, k, l = kind(), kind(), kind(), kind(), kind(), kind()
    leaving(12)
    return 1

def left_with_cell(kind, value):
    one = kind()
    other = kind()
    leaving(2)
    return (lambda: kind) and value

def left_entered(kind):
    one = kind()
    other = kind()
    leaving(2)
    return kind

class Leaving:
    def __init__(self, kind=Plain):
        one = kind()
        other = kind()
        leaving(2)

    own = property(__init__)

class Method:
    def left(self, kind):
        one = kind()
        other = kind()
        leaving(2)
        return self

def leave(kind):
    both = kind, 0
    method = Method()
    for turn in range(12):
        for function in left, left_with_default, left_with_cell:
            x = function(kind, turn)
            x = function(kind, value=turn)
            if inline:
                x = function(*both)
        left_with_more(kind, [turn, x], x, 1)
        if turn % 4 == 0:
            left_with_many(kind)
        x = [left_with_more(kind, None), left_with_less(kind, x)]
        left_with_less(kind, x, turn, kind)
        method.left(kind)
        entering(left_entered, kind)
        if inline:
            method.left(kind=kind)
            Leaving(kind).own

def listed(kind):
    return [kind(), kind(), kind()], None

def in_tuple(kind):
    return (kind(), kind(), kind()), None

def mapped(kind):
    return {1: kind(), 2: kind(), 3: kind()}, None

def named(kind):
    return {"a": kind(), "b": kind(), "c": kind()}, None

class Owner:
    pass

def owned(kind):
    x = Owner()
    x.a, x.b, x.c = kind(), kind(), kind()
    return x, None

def owned_by_dict(kind):
    x = Owner()
    x.a, x.b, x.c = kind(), kind(), kind()
    return x, x.__dict__

def owned_by_other_dict(kind):
    x = Owner()
    x.__dict__ = {"a": kind(), "b": kind(), "c": kind()}
    return x, x.__dict__

def contain(kind):
    for make in listed, in_tuple, mapped, named, owned, owned_by_dict, owned_by_other_dict:
        for turn in range(3):
            x, y = make(kind)
            destroying(x, y)
            y = value
            x = value

class Full(Slotted):
    __slots__ = ()
    def __del__(self):
        note()

def full(kind):
    x = kind()
    x.a = new()
    yielding(x.a)
    return x

def full_with_dict(kind):
    x = full(kind)
    x.__dict__
    return x

def fresh(kind):
    class Fresh(kind):
        pass
    return full(Fresh)

def give(x, y=0, *rest):
    result = new()
    yielding(result)
    return result

def yields(kind):
    for turn in range(40):
        x = full(kind).a
        full(kind).a
        x = full(Full).a
        if not inline:
            x = give(kind())
            give(kind())
            x = give(x=kind())
            x = [give(turn, kind()), give(kind(), turn), give(0, 1, kind(), 2, x)]
            x = give(y=kind(), x=turn), give(y=turn, x=kind()), give(turn, y=kind())
    for turn in range(3):
        x = full_with_dict(kind).a
        x = fresh(kind).a

for kind in Plain, Closing, Given:
    run(kind)
    once(kind)
    leave(kind)
    contain(kind)
    yields(kind)
    for turn in range(3):
        n = kind()
        n = value
        n = kind()
        del n
    class Body:
        n = kind()
        n = value
        n = kind()
        del n
)";

} // namespace elsewhere::frame
