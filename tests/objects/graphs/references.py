"""Weak references and what dies with them, exceptions with tracebacks, cells, streams, modules."""

import sys
import traceback
import types
import weakref


class Thing:
    def __init__(self, name):
        self.name = name

    def callback(self, reference):
        self.called = True


class Failure(Exception):
    def __init__(self, code, *, reason):
        super().__init__(code)
        self.reason = reason


def fail(depth):
    kept_in_frame = ["local", depth]  # noqa: F841
    if depth == 0:
        raise Failure(7, reason="because")
    fail(depth - 1)


def catch():
    try:
        try:
            fail(2)
        except Failure as failure:
            if sys.version_info >= (3, 11):
                failure.add_note("noted")
            raise KeyError("k") from failure
    except KeyError as error:
        return error, sys.exc_info()[2]


def fail_to_open():
    try:
        open("/no/such/file")  # noqa: SIM115
    except OSError as error:
        return error


def make():
    thing, other = Thing("thing"), Thing("other")
    dead = weakref.ref(Thing("dead"))
    lost = Thing("lost")
    values = weakref.WeakValueDictionary(a=thing, b=lost)
    keys = weakref.WeakKeyDictionary({thing: 1, lost: 2})
    members = weakref.WeakSet([thing, lost])
    thing.values, thing.keys = values, keys
    caught, trace = catch()
    missing = fail_to_open()
    group = None
    if sys.version_info >= (3, 11):
        group = ExceptionGroup("many", [ValueError(1), missing])
    empty = types.CellType()
    return dict(
        thing=thing,
        to_thing=weakref.ref(thing),
        same=weakref.ref(thing),
        dead=dead,
        to_lost=weakref.ref(lost),
        called=weakref.ref(thing, other.callback),
        other=other,
        proxy=weakref.proxy(thing),
        values=values,
        keys=keys,
        members=members,
        method=weakref.WeakMethod(other.callback),
        tuple=(weakref.ref(other), 1),
        caught=caught,
        trace=trace,
        missing=missing,
        group=group,
        keep_lost=lambda: None,
        stop=StopIteration(3),
        exit=SystemExit(2),
        cells=[empty, types.CellType(thing)],
        unicode=UnicodeDecodeError("utf-8", b"x", 0, 1, "why"),
        streams=[sys.stdout, sys.stderr.buffer],
        error_class=Failure,
        lost_ref_holder=lost.name,
        modules=[sys, types],
    )


def check(kept):
    thing = kept["thing"]
    assert kept["to_thing"]() is thing and kept["same"] is kept["to_thing"]
    assert kept["dead"]() is None and kept["to_lost"]() is None
    assert kept["proxy"].name == "thing"
    assert dict(kept["values"]) == {"a": thing} and dict(kept["keys"]) == {thing: 1}
    assert list(kept["members"]) == [thing] and thing in kept["members"]
    assert kept["method"]() == kept["other"].callback and kept["tuple"][0]() is kept["other"]
    caught, cause = kept["caught"], kept["caught"].__cause__
    assert caught.args == ("k",) and type(cause) is Failure and cause.reason == "because"
    assert caught.__suppress_context__
    if sys.version_info >= (3, 11):
        assert cause.__notes__ == ["noted"]
    assert caught.__context__ is cause and kept["trace"] is caught.__traceback__
    names = [entry.name for entry in traceback.extract_tb(cause.__traceback__)]
    assert names == ["catch", "fail", "fail", "fail"], names
    last = cause.__traceback__
    while last.tb_next:
        last = last.tb_next
    assert last.tb_frame.f_locals["kept_in_frame"] == ["local", 0]
    text = "".join(traceback.format_exception(type(caught), caught, caught.__traceback__))
    assert 'raise Failure(7, reason="because")' in text and "direct cause" in text, text
    missing = kept["missing"]
    assert missing.errno == 2 and missing.filename == "/no/such/file"
    assert str(missing) == "[Errno 2] No such file or directory: '/no/such/file'"
    if sys.version_info >= (3, 11):
        assert kept["group"].exceptions[1] is missing and kept["group"].message == "many"
    assert kept["stop"].value == 3 and kept["exit"].code == 2
    assert kept["unicode"].end == 1 and kept["unicode"].object == b"x"
    assert kept["cells"][1].cell_contents is thing
    try:
        kept["cells"][0].cell_contents  # noqa: B018
    except ValueError:
        pass
    else:
        raise AssertionError
    assert kept["streams"] == [sys.stdout, sys.stderr.buffer] and kept["modules"] == [sys, types]
    other, called = kept["other"], kept["called"]
    assert called() is thing
    kept.clear()
    thing.values = thing.keys = None
    del thing, caught, cause, text, last
    import gc

    gc.collect()
    assert called() is None and other.called
