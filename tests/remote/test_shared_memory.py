"""Memory that both ends of a local gateway share (spec/wire.md): who gets it, and that nothing in
it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import run_case

START = """
import os, signal, threading, time
ECHO = "while 1: channel.send(channel.receive())"
def shares(gateway):
    with open(f"/proc/{gateway.facts['pid']}/maps") as maps:
        return "memfd:elsewhere" in maps.read()
def make_busy(gateway):
    channel = gateway.remote_exec(ECHO)
    for size in (10, 30_000, 10):
        channel.send(bytes(size))
        assert channel.receive(20) == bytes(size)
    channel.close()
    return gateway
def has_ended(channel):
    try:
        came = channel.receive(20)
    except EOFError:
        return
    raise AssertionError(came)
def make_share(gateway):  # a relay is asked for it first, while what is sent goes on
    end = time.monotonic() + 20
    while not shares(make_busy(gateway)):
        assert time.monotonic() < end
    return gateway
"""

CASES = {
    "a_busy_gateway_has_it_and_no_file_stays_open": """
        before = len(os.listdir("/proc/self/fd"))
        gateway = elsewhere.makegateway("popen//warm=no")
        channel = gateway.remote_exec(ECHO)
        channel.send(1)
        channel.receive(20)
        assert not shares(gateway)
        idle = len(os.listdir("/proc/self/fd"))
        make_busy(gateway)
        assert shares(gateway)
        assert len(os.listdir("/proc/self/fd")) == idle
        gateway.exit()
        gateway.close(10)
        assert "memfd:elsewhere" not in open("/proc/self/maps").read()
    """,
    "one_that_only_sends_gets_it_and_one_that_only_receives": """
        gateway = elsewhere.makegateway("popen//warm=no")
        sink = gateway.remote_exec("while channel.receive() is not None: pass\\nchannel.send(1)")
        for number in range(20_000):
            sink.send(number)
        assert shares(gateway)
        sink.send(None)
        assert sink.receive(20) == 1
        gateway = elsewhere.makegateway("popen//warm=no")
        source = gateway.remote_exec("for number in range(20_000): channel.send(number)")
        assert list(source) == list(range(20_000))
        assert shares(gateway)
    """,
    "what_a_worker_said_before_it_was_killed_is_read": """
        for item in (7, b"x" * 40_000):
            gateway = make_busy(elsewhere.makegateway("popen"))
            channel = gateway.remote_exec('''
            import os, signal
            item, count = channel.receive()
            for number in range(count):
                channel.send((number, item))
            os.kill(os.getpid(), signal.SIGKILL)
            ''')
            channel.send((item, 3000))
            time.sleep(0.3)
            for number in range(3000):
                assert channel.receive(20) == (number, item)
            has_ended(channel)
    """,
    "a_worker_reads_what_a_controller_said_before_it_was_killed": '''
        import subprocess, sys
        body = """
        import elsewhere, os, signal
        gateway = elsewhere.makegateway("popen")
        channel = gateway.remote_exec("while 1: channel.send(channel.receive())")
        for _ in range(2):
            channel.send(bytes(30_000))
            channel.receive(20)
        sink = gateway.remote_exec(\'\'\'
        path = channel.receive()
        try:
            with open(path, "w") as file:
                channel.send(1)
                while 1:
                    print(channel.receive()[0], file=file)
        except EOFError:
            open(path + ".end", "w").close()
        \'\'\')
        sink.send(os.path.abspath("said"))
        sink.receive(20)
        for number in range(2000):
            sink.send((number, "x" * 500))
        os.kill(os.getpid(), signal.SIGKILL)
        """
        import textwrap
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(body)])
        assert done.returncode == -signal.SIGKILL
        end = time.monotonic() + 20
        while not os.path.exists("said.end"):
            assert time.monotonic() < end
            time.sleep(0.05)
        said = open("said").read().split()
        assert said == [str(number) for number in range(2000)], len(said)
    ''',
    "who_sends_more_than_there_is_room_for_hears_of_the_end": """
        for word in ("SIGSTOP", "import time; time.sleep(100)"):
            gateway = make_busy(elsewhere.makegateway("popen"))
            source = "channel.send(1); " + ("channel.receive()" if word == "SIGSTOP" else word)
            channel = gateway.remote_exec(source)
            channel.receive(20)
            if word == "SIGSTOP":
                os.kill(gateway.facts["pid"], signal.SIGSTOP)
            ends = []
            def fill():
                try:
                    while 1:
                        channel.send(bytes(100_000))
                except OSError as error:
                    ends.append(error)
            filler = threading.Thread(target=fill, daemon=True)
            filler.start()
            time.sleep(0.5)
            assert not ends
            os.kill(gateway.facts["pid"], signal.SIGKILL)
            filler.join(20)
            assert ends, "it still waits"
    """,
    "a_forked_copy_leaves_it_alone": """
        gateway = make_busy(elsewhere.makegateway("popen"))
        channel = gateway.remote_exec(ECHO)
        child = os.fork()
        if child == 0:
            try:
                channel.send(1)
            except OSError:
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        for number in range(1000):
            channel.send(number)
            assert channel.receive(20) == number
    """,
    "many_threads_send_and_receive": """
        gateway = make_busy(elsewhere.makegateway("popen"))
        wrong = []
        def talk(seed):
            import random
            numbers = random.Random(seed)
            channel = gateway.remote_exec(ECHO)
            for _ in range(300):
                item = bytes([seed]) * numbers.choice([0, 5, 900, 70_000, 400_000])
                channel.send(item)
                if channel.receive(60) != item:
                    wrong.append(seed)
        threads = [threading.Thread(target=talk, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(100)
        assert not wrong and not any(thread.is_alive() for thread in threads)
    """,
    "only_what_runs_here_on_the_engine_has_it": """
        for spec in ("popen//engine=no", "thread"):
            gateway = make_busy(elsewhere.makegateway(spec))
            assert spec == "thread" or not shares(gateway)
        group = elsewhere.Group()
        group.makegateway("popen//engine=no//id=pure")
        assert not shares(make_busy(group.makegateway("popen//via=pure")))
        group.terminate(10)
    """,
    "a_leaf_has_it_with_its_relay": """
        group = elsewhere.Group()
        group.makegateway("popen//id=hub")
        group.makegateway("popen//id=leaf//via=hub")
        for spec in ("popen//via=hub", "popen//via=leaf"):
            gateway = group.makegateway(spec)
            assert not shares(gateway)
            make_share(gateway)
            channel = gateway.remote_exec(ECHO)
            for size in (0, 7, 65_000, 65_536, 1_000_000, 20_000_000):
                channel.send(os.urandom(1) * size)
                assert len(channel.receive(20)) == size
        source = group["leaf"].remote_exec("for number in range(20_000): channel.send(number)")
        assert list(source) == list(range(20_000))
        group.terminate(10)
    """,
    "more_than_there_is_room_for_goes_both_ways_through_a_relay": """
        group = elsewhere.Group()
        group.makegateway("popen//id=hub")
        gateway = make_share(group.makegateway("popen//via=hub"))
        channel = gateway.remote_exec('''
        for number in range(200):
            channel.send(bytes(300_000))
        total = 0
        for number in range(200):
            total += len(channel.receive())
        channel.send(total)
        ''')
        other = gateway.remote_exec(ECHO)
        for number in range(200):
            channel.send(bytes(300_000))
        other.send(1)
        assert other.receive(30) == 1
        assert sum(len(channel.receive(30)) for number in range(200)) == 60_000_000
        assert channel.receive(30) == 60_000_000
        group.terminate(10)
    """,
    "a_leaf_that_is_not_read_or_does_not_read_holds_up_no_other": """
        group = elsewhere.Group()
        group.makegateway("popen//id=hub")
        silent, loud, good = (make_share(group.makegateway("popen//via=hub")) for _ in range(3))
        flood = loud.remote_exec("while 1: channel.send(bytes(100_000))")
        os.kill(silent.facts["pid"], signal.SIGSTOP)
        sink = silent.remote_exec(ECHO)
        def fill():
            try:
                while 1:
                    sink.send(bytes(100_000))
            except OSError:
                pass
        filler = threading.Thread(target=fill, daemon=True)
        filler.start()
        time.sleep(1)
        channel = good.remote_exec(ECHO)
        for number in range(300):
            channel.send(bytes(70_000))
            assert channel.receive(20) == bytes(70_000)
        os.kill(silent.facts["pid"], signal.SIGCONT)
        group.terminate(10)
        filler.join(20)
        assert not filler.is_alive()
    """,
    "what_a_leaf_said_before_it_was_killed_is_read_and_a_killed_relay_is_told": """
        group = elsewhere.Group()
        hub = group.makegateway("popen//id=hub")
        gateway = make_share(group.makegateway("popen//via=hub"))
        channel = gateway.remote_exec('''
        import os, signal
        for number in range(3000):
            channel.send((number, b"x" * 900))
        os.kill(os.getpid(), signal.SIGKILL)
        ''')
        time.sleep(0.3)
        for number in range(3000):
            assert channel.receive(20) == (number, b"x" * 900)
        has_ended(channel)
        gateway = make_share(group.makegateway("popen//via=hub"))
        channel = gateway.remote_exec(ECHO)
        leaf = gateway.facts["pid"]
        os.kill(hub.facts["pid"], signal.SIGKILL)
        has_ended(channel)
        end = time.monotonic() + 20
        while os.path.exists(f"/proc/{leaf}"):
            assert time.monotonic() < end, "the leaf is left"
            time.sleep(0.05)
        group.terminate(10)
    """,
}


@pytest.mark.parametrize("case", CASES)
def test_shared_memory(case: str, python, package_parent: str, tmp_path: Path) -> None:
    body = START + "\n".join(line[8:] for line in CASES[case].splitlines())
    run_case(python.executable, package_parent, body, tmp_path, timeout=100)
