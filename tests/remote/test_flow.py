"""What nobody reads: where it waits, and whom it holds up."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import run_case

START = """
import os, signal, threading, time
ECHO = "while 1: channel.send(channel.receive())"
def rss(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) >> 10
def echoes(channel):
    begun = time.monotonic()
    for number in range(20):
        channel.send(number)
        assert channel.receive(5) == number
    assert time.monotonic() - begun < 3
class Sender(threading.Thread):
    '''Sends what is given, and may be looked at.'''
    def __init__(self, channel, items):
        super().__init__(daemon=True)
        self.channel, self.items, self.sent = channel, items, 0
        self.start()
    def run(self):
        for item in self.items:
            self.channel.send(item)
            self.sent += 1
    def stands(self):
        '''Once it has sent nothing for half a second: how many it has sent.'''
        end = time.monotonic() + 20
        before = -1
        while before != self.sent:
            assert time.monotonic() < end
            before = self.sent
            time.sleep(0.5)
        return before
def pid(gateway):
    return gateway.facts["pid"]
gateway = elsewhere.makegateway(SPEC)
assert bool(gateway.why_pure) == ("popen" != SPEC), gateway.why_pure
"""

CASES = {
    "four_hundred_megabytes_that_nobody_reads_there_are_not_in_memory": """
        echo = gateway.remote_exec(ECHO)
        echoes(echo)
        for size in (1000, 1_000_000):
            sink = gateway.remote_exec("import time; channel.send(1)\\nwhile 1: time.sleep(1)")
            sink.receive()
            here, there = rss(os.getpid()), rss(pid(gateway))
            item = bytes(size)
            for _ in range((400 << 20) // size):
                sink.send(item)
            echoes(echo)
            assert rss(os.getpid()) - here <= 32, (size, here, rss(os.getpid()))
            assert rss(pid(gateway)) - there <= 32, (size, there, rss(pid(gateway)))
            del sink
    """,
    "four_hundred_megabytes_that_nobody_reads_here_are_not_in_memory": """
        echo = gateway.remote_exec(ECHO)
        echoes(echo)
        for size in (1000, 1_000_000):
            here, there = rss(os.getpid()), rss(pid(gateway))
            count = (400 << 20) // size
            flood = gateway.remote_exec(
                f"for i in range({count}): channel.send(b'x' * {size})\\n"
                "channel.gateway.done = 1\\n")
            done = gateway.remote_exec("import time\\n"
                "while not hasattr(channel.gateway, 'done'): time.sleep(0.05)\\n"
                "channel.send(1)")
            done.receive(60)
            echoes(echo)
            assert rss(os.getpid()) - here <= 32, (size, here, rss(os.getpid()))
            assert rss(pid(gateway)) - there <= 32, (size, there, rss(pid(gateway)))
            assert sum(len(item) for item in flood) == count * size
            gateway.remote_exec("del channel.gateway.done").waitclose(20)
    """,
    "both_may_send_everything_before_they_read_anything": """
        both = gateway.remote_exec('''
        for i in range(50000):
            channel.send((i, b"y" * (i % 3000)))
        for i in range(50000):
            number, data = channel.receive()
            assert number == i and len(data) == i % 3000, i
        channel.send("all")
        ''')
        for i in range(50000):
            both.send((i, b"x" * (i % 3000)))
        for i in range(50000):
            number, data = both.receive(60)
            assert number == i and len(data) == i % 3000, i
        assert both.receive(60) == "all"
    """,
    "many_that_read_and_one_that_does_not_all_get_their_own": """
        sums = [gateway.remote_exec(
            "channel.send(sum(channel.receive()[0] for i in range(2000)))") for _ in range(5)]
        stuck = gateway.remote_exec(
            "import time\\nwhile not hasattr(channel.gateway, 'go'): time.sleep(0.05)\\n"
            "channel.send(sum(len(channel.receive()) for i in range(2000)))")
        for i in range(2000):
            for channel in sums:
                channel.send((i, "x" * 1000))
            stuck.send(b"z" * 20_000)
        for channel in sums:
            assert channel.receive(60) == 1999 * 1000, channel
        gateway.remote_exec("channel.gateway.go = 1").waitclose(20)
        assert stuck.receive(60) == 40_000_000
    """,
    "without_room_on_the_disk_only_the_channel_itself_is_held_up": """
        echo = gateway.remote_exec(ECHO)
        gateway.remote_exec('''
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 << 20, 20 << 20))
        ''').waitclose(20)
        stuck = gateway.remote_exec("import time\\n"
            "while not hasattr(channel.gateway, 'go'): time.sleep(0.05)\\n"
            "for i in range(100): assert channel.receive() == b'%03d' % i * 400000\\n"
            "channel.send('all')" if not PY2 else "import time\\n"
            "while not hasattr(channel.gateway, 'go'): time.sleep(0.05)\\n"
            "for i in range(100): assert channel.receive() == ('%03d' % i) * 400000\\n"
            "channel.send('all')")
        before = rss(pid(gateway))
        sender = Sender(stuck, (b"%03d" % i * 400_000 for i in range(100)))
        assert 20 < sender.stands() < 60, sender.sent
        assert rss(pid(gateway)) - before < 40
        echoes(echo)
        other = gateway.remote_exec("channel.send(sum(len(channel.receive()) for i in range(50)))")
        for _ in range(50):
            other.send(bytes(1_000_000))
        assert other.receive(30) == 50_000_000
        gateway.remote_exec("channel.gateway.go = 1").waitclose(20)
        assert stuck.receive(60) == "all"
        sender.join(10)
        assert sender.sent == 100
        echoes(echo)
    """,
    "without_room_on_the_disk_here_the_code_there_is_held_up": """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (20 << 20, 20 << 20))
        echo = gateway.remote_exec(ECHO)
        idle = gateway.remote_exec("channel.send(channel.receive())")
        reader = threading.Thread(target=idle.receive)
        reader.start()
        stuck = gateway.remote_exec('''
        channel.gateway.sent = 0
        for i in range(100):
            channel.send(b"x" * 1000000)
            channel.gateway.sent += 1
        ''')
        asked = gateway.remote_exec("while channel.receive(): channel.send(channel.gateway.sent)")
        def sent():
            asked.send(1)
            return asked.receive(10)
        seen = [-1]
        while seen[-1:] != [sent()] or seen[-1] < 10:
            seen.append(sent())
            time.sleep(0.5)
            assert len(seen) < 40, seen
        assert 20 < seen[-1] < 60, seen
        echoes(echo)
        assert sum(len(item) for item in stuck) == 100_000_000
        echoes(echo)
        idle.send(1)
        reader.join(10)
    """,
    "a_limit_holds_up_whoever_sends_here": """
        channel = gateway.remote_exec('''
        channel.gateway.sent = 0
        for i in range(50):
            channel.send(b"x" * 100000)
            channel.gateway.sent += 1
        ''')
        channel.limit(250_000)
        echo = gateway.remote_exec(ECHO)
        echoes(echo)
        asked = gateway.remote_exec("while channel.receive(): channel.send(channel.gateway.sent)")
        def sent():
            asked.send(1)
            return asked.receive(10)
        time.sleep(0.5)
        before = sent()
        assert before < 50 or SPEC == "popen"  # it may have been faster than the limit
        for taken in range(50):
            assert len(channel.receive(10)) == 100_000
        channel.waitclose(10)
        # As from the beginning of a channel.
        channel = gateway.remote_exec('''
        channel.receive()
        channel.gateway.sent = 0
        for i in range(50):
            channel.send(b"x" * 100000)
            channel.gateway.sent += 1
        channel.send(b"y" * 1000000)
        ''')
        channel.limit(250_000)
        channel.send("go")
        for taken in range(51):
            time.sleep(0.02)
            if taken % 10 == 0:
                assert taken < sent() + 1 <= taken + 5, (taken, sent())
            item = channel.receive(10)
        assert len(item) == 1_000_000, "a message longer than the limit comes, too"
        channel.waitclose(10)
    """,
    "a_limit_there_holds_up_whoever_sends_here": """
        echo = gateway.remote_exec(ECHO)
        channel = gateway.remote_exec('''
        channel.limit(250000)
        channel.send("ready")
        while channel.receive() != "the end":
            channel.receive()  # by twos
            channel.gateway.taken = getattr(channel.gateway, "taken", 0) + 2
            while channel.gateway.taken >= getattr(channel.gateway, "may", 0):
                __import__("time").sleep(0.01)
        channel.limit(0)
        channel.send("free")
        while channel.receive() != "the end": pass
        ''')
        channel.receive()
        may = gateway.remote_exec("for n in channel: channel.gateway.may = n; channel.send(n)")
        sender = Sender(channel, [b"x" * 100_000] * 20 + ["the end"])
        assert 3 <= sender.stands() <= 6, sender.sent
        may.send(10)
        may.receive(5)
        assert 10 <= sender.stands() <= 16, sender.sent
        echoes(echo)
        may.send(10 ** 9)
        assert channel.receive(20) == "free"
        for _ in range(20):
            channel.send(b"x" * 100_000)
        channel.send("the end")
        channel.waitclose(20)
    """,
    "who_waits_for_a_limit_hears_of_the_end": """
        held = "channel.limit(1000); channel.send(1); import time\\nwhile 1: time.sleep(1)"
        channel = gateway.remote_exec(held)
        channel.receive()
        ends = []
        def fill():
            try:
                while 1:
                    channel.send(bytes(600))
            except OSError as error:
                ends.append(error)
        filler = threading.Thread(target=fill)
        filler.start()
        time.sleep(0.3)
        assert filler.is_alive()
        os.kill(pid(gateway), signal.SIGKILL)
        filler.join(10)
        assert ends, "it still waits"
    """,
    "a_worker_that_waits_for_a_limit_ends_when_it_is_to": """
        channel = gateway.remote_exec("while 1: channel.send(b'x' * 600)")
        channel.limit(1000)
        time.sleep(0.3)
        begun = time.monotonic()
        gateway.close(20)
        assert time.monotonic() - begun < 3
        try:
            gateway.newchannel().limit(-1)
        except (ValueError, OSError):
            pass
    """,
    "callbacks_take_what_is_in_the_file_too": """
        channel = gateway.remote_exec('''
        import threading, time
        got, end = [], threading.Event()
        def take(item):
            if item is None:
                end.set()
            else:
                got.append(item[0])
                if len(got) < 100:
                    time.sleep(0.01)
        inner = channel.gateway.newchannel()
        inner.setcallback(take, endmarker=None)
        channel.send(inner)
        end.wait(60)
        channel.send(got == list(range(30000)))
        ''')
        inner = channel.receive()
        for i in range(30000):
            inner.send((i, "x" * 1000))
        inner.close()
        assert channel.receive(60) is True
    """,
}
FAR = ["popen", "popen//engine=no", "popen//python=2.7"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("spec", FAR)
def test_flow(case: str, spec: str, python, package_parent: str, tmp_path: Path) -> None:
    body = START + "\n".join(line[8:] for line in CASES[case].splitlines())
    body = f"SPEC = {spec!r}\nPY2 = {'2.7' in spec}\n" + body
    run_case(python.executable, package_parent, body, tmp_path, timeout=100)
