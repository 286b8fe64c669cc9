"""Channels: what execnet's do."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import run_case

CASES = {
    "a_callback_gets_what_has_come_and_what_will_and_the_endmarker": """
        got = []
        channel = gateway.remote_exec("for i in range(4): channel.send(i)")
        assert channel.receive() == 0
        channel.setcallback(got.append, endmarker="end")
        channel.waitclose(20)
        assert got == [1, 2, 3, "end"], got
        try:
            channel.receive()
        except OSError as error:
            assert "callback" in str(error)
        else:
            raise AssertionError
    """,
    "waitclose_waits_for_the_last_callback": """
        import time
        got = []
        channel = gateway.remote_exec("channel.send(42)")
        channel.setcallback(lambda item: (time.sleep(0.2), got.append(item)))
        channel.waitclose(20)
        assert got == [42]
    """,
    "no_thread_starts_before_the_first_callback": """
        import threading
        channel = gateway.remote_exec("channel.send(1)")
        channel.receive()
        assert threading.active_count() == 1
    """,
    "a_callback_outlives_its_channel": '''
        import time
        channel = gateway.remote_exec("""
        import threading, time
        def produce(c):
            for i in range(5):
                time.sleep(0.02)
                c.send(i)
        threading.Thread(target=produce, args=(channel.receive(),)).start()
        """)
        got = []
        other = gateway.newchannel()
        other.setcallback(got.append, endmarker=None)
        channel.send(other)
        del other
        end = time.monotonic() + 20
        while len(got) < 6 and time.monotonic() < end:
            time.sleep(0.01)
        assert got == [0, 1, 2, 3, 4, None], got
    ''',
    "an_error_in_a_callback_reaches_both_ends": '''
        channel = gateway.remote_exec("""
        channel.send(1)
        try:
            channel.receive()
        except channel.RemoteError as error:
            channel.gateway.seen = str(error)
        """)
        def fail(item):
            raise KeyError("mine")
        ends = []
        channel.setcallback(lambda item: ends.append(0) if item == "end" else fail(item), "end")
        try:
            channel.waitclose(20)
        except channel.RemoteError as error:
            assert "KeyError: 'mine'" in str(error) and ends == [0]
        else:
            raise AssertionError
        seen = gateway.remote_exec("""
        import time
        while not hasattr(channel.gateway, "seen"):
            time.sleep(0.01)
        channel.send(channel.gateway.seen)
        """)
        assert "mine" in seen.receive(20)
    ''',
    "an_error_in_a_callback_there_comes_back": '''
        channel = gateway.remote_exec("""
        def fail(item):
            raise ValueError(42)
        inner = channel.gateway.newchannel()
        inner.setcallback(fail)
        channel.send(inner)
        channel.receive()
        assert inner.isclosed()
        """)
        inner = channel.receive()
        inner.send(1)
        try:
            inner.waitclose(20)
        except inner.RemoteError as error:
            assert "42" in error.formatted
        else:
            raise AssertionError
        channel.send(1)
        channel.waitclose(20)
    ''',
    "callbacks_hear_of_a_killed_worker": """
        import os, queue, signal
        channel = gateway.remote_exec(
            "import os, time; channel.send(os.getpid()); time.sleep(100)")
        os.kill(channel.receive(), signal.SIGKILL)
        ends = queue.Queue()
        channel.setcallback(ends.put, endmarker=999)
        assert ends.get(timeout=20) == 999
        assert isinstance(channel._getremoteerror(), EOFError)
    """,
    "a_killed_worker_is_an_EOFError_again_and_again": """
        import os, signal
        channel = gateway.remote_exec(
            "import os, time; channel.send(os.getpid()); time.sleep(100)")
        os.kill(channel.receive(), signal.SIGKILL)
        for wait in (channel.waitclose, channel.receive, channel.receive):
            try:
                wait(20)
            except EOFError:
                pass
            else:
                raise AssertionError
        try:
            channel.send(None)
        except OSError:
            pass
        else:
            raise AssertionError
        assert not gateway.hasreceiver()
    """,
    "a_RemoteError_is_told_once_and_then_the_end": """
        channel = gateway.remote_exec("1 / 0")
        try:
            channel.receive()
        except channel.RemoteError as error:
            assert "ZeroDivisionError" in error.formatted
        for _ in range(2):
            try:
                channel.receive()
            except EOFError:
                continue
            raise AssertionError
    """,
    "a_channel_is_a_value_both_ways": '''
        channel = gateway.remote_exec("""
        one, two = channel.receive()
        two.send(one.receive() + 1)
        channel.send(channel)
        assert channel.receive() is channel
        mine = channel.gateway.newchannel()
        channel.send({"c": mine})
        mine.send(42)
        assert mine.receive() == 43
        """)
        one, two = gateway.newchannel(), gateway.newchannel()
        channel.send((one, two))
        one.send(1)
        assert two.receive() == 2
        assert channel.receive() is channel
        channel.send(channel)
        theirs = channel.receive()["c"]
        theirs.send(theirs.receive() + 1)
        channel.waitclose(20)
    ''',
    "a_channel_that_came_as_a_value_can_be_used_before_anything_came_over_it": """
        channel = gateway.remote_exec(
            "c = channel.gateway.newchannel(); channel.send(c); channel.send(c.receive() * 2)")
        channel.receive().send(21)
        assert channel.receive() == 42
    """,
    "items_that_had_come_are_there_after_the_gateway_has_ended": """
        channel = gateway.remote_exec("channel.send(1); channel.send(2)")
        channel.waitclose(20)
        gateway.exit()
        group.terminate(5)
        assert list(channel) == [1, 2]
    """,
    "files_send_and_receive_text": '''
        channel = gateway.remote_exec("""
        out = channel.makefile()
        out.write(u"hello world\\\\n")
        out.close()
        into = channel.makefile("r")
        for n in (2, 5):
            channel.send(into.read(n))
        """)
        assert channel.receive() == "hello world\\n"
        channel.makefile("w").write("xyabcde")
        assert channel.receive() == "xy" and channel.receive() == "abcde"
        channel = gateway.remote_exec("channel.send(u'12\\\\n3'); channel.send(u'4')")
        file = channel.makefile("r", proxyclose=True)
        assert [file.readline() for _ in range(3)] == ["12\\n", "34", ""]
        assert not file.isatty() and channel.isclosed()
        try:
            channel.makefile("rw")
        except ValueError:
            pass
        else:
            raise AssertionError
    ''',
    "strings_are_taken_as_configured": """
        echo = "while 1: channel.send(channel.receive())"
        is2 = gateway.facts["python"][0] == 2
        source = "channel.send('a'); channel.send(str(type(channel.receive())))"
        for two_as_three in (True, False):
            channel = gateway.remote_exec("channel.receive();" + source)
            channel.reconfigure(py2str_as_py3str=two_as_three, py3str_as_py2str=True)
            channel.send(0)
            assert channel.receive() == ("a" if two_as_three or not is2 else b"a")
            channel.send("text")
            assert channel.receive() in ("<class 'str'>", "<type 'str'>", b"<type 'str'>")
            channel.waitclose(20)
    """,
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("far", ["popen", "popen//python=2.7"])
def test_channel(python, package_parent, far, case, tmp_path: Path) -> None:
    lines = CASES[case].strip("\n").splitlines()
    body = "\n".join(line[8:] for line in lines)
    made = f"group = elsewhere.Group()\ngateway = group.makegateway({far!r})\n"
    ended = run_case(python.executable, package_parent, made + body, tmp_path)
    assert not ended.stderr


def test_source_is_compiled_as_compile_does_it(python, package_parent, tmp_path: Path) -> None:
    body = r"""
        gateway = elsewhere.makegateway()
        def errors_of(source):
            channel = gateway.remote_exec(source)
            try:
                channel.waitclose(20)
            except channel.RemoteError as error:
                return str(error)
        def here(source):
            try:
                compile(source, "<remote exec>", "exec", 0, True)
            except Exception as error:
                return f"{type(error).__name__}: {error}".split(" (<remote")[0]
        for bad in "a =", "x = '\0'", "x = '\ud800'", "def f(:\n 1", "a = \xa0":
            assert here(bad) in errors_of(bad), (bad, here(bad), errors_of(bad))
        cookie = "# -*- coding: latin-1 -*-\nchannel.send('\xe9')"
        assert gateway.remote_exec(cookie).receive() == "\xe9"
        # No __future__ of whoever executes it is inherited.
        annotated = "def f(a: 6 * 7): pass\nchannel.send(f.__annotations__['a'])"
        assert gateway.remote_exec(annotated).receive() == 42
        raising = "\n\nassert 0, 'why'"
        assert 'File "<remote exec>", line 3' in errors_of(raising), errors_of(raising)
    """
    run_case(python.executable, package_parent, body, tmp_path)


def test_an_error_that_nobody_asked_for_is_shown(python, package_parent, tmp_path: Path) -> None:
    body = """
        channel = elsewhere.makegateway().remote_exec("1 / 0")
        while not channel._state()[1]:
            try:
                channel.gateway._wait_over(0.01)
            except elsewhere.TimeoutError:
                pass
        del channel
    """
    ended = run_case(python.executable, package_parent, body, tmp_path)
    assert "Warning: unhandled" in ended.stderr and "ZeroDivisionError" in ended.stderr


@pytest.mark.parametrize("allocator", ["pymalloc", "malloc", "debug", "mimalloc", "traced"])
def test_long_bytes_are_like_any_others(python, package_parent, allocator, tmp_path) -> None:
    """They are made of the memory that the message came in, where that can be."""
    body = """
        import gc, sys, tracemalloc
        channel = elsewhere.makegateway().remote_exec("while 1: channel.send(channel.receive())")
        kept = []
        for size in (1, 511, 16378, 16379, 16380, 65536, 300_000, 1 << 20, (5 << 20) + 3):
            sent = bytes(range(256)) * (size // 256 + 1)
            sent = sent[:size]
            channel.send(sent)
            came = channel.receive()
            assert type(came) is bytes and came == sent and hash(came) == hash(sent), size
            assert len(came) == size and sys.getsizeof(came) == sys.getsizeof(sent)
            assert came + b"x" == sent + b"x" and came.decode("latin-1").encode("latin-1") == sent
            assert memoryview(came)[-1] == sent[-1] and {came: 1}[sent] == 1
            channel.send({"in a dict": came})
            assert channel.receive() == {"in a dict": sent}
            kept.append(came)
            if size == 65536:
                tracemalloc.start()
            if size == 300_000:
                tracemalloc.stop()
        del kept, came
        gc.collect()
        with open("/proc/self/statm") as file:
            before = int(file.read().split()[1])
        for number in range(200):
            channel.send(b"x" * (1 << 20))
            channel.receive()
        with open("/proc/self/statm") as file:
            assert int(file.read().split()[1]) - before < 16 * 256, "it is not freed"
    """
    env = {"PYTHONTRACEMALLOC": "1"} if allocator == "traced" else {"PYTHONMALLOC": allocator}
    minor = int(python.version.split(".")[1])
    if allocator == "mimalloc" and minor < 13:
        pytest.skip("needs Python 3.13")
    run_case(python.executable, package_parent, body, tmp_path, **env)
