"""Gateways through gateways: `via=ID`."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

START = """
import os, signal, sys, threading, time
import elsewhere
ECHO = "while 1: channel.send(channel.receive())"
def pid(gateway):
    return gateway.facts["pid"]
"""

CASES = {
    "a_leaf_is_another_process_that_its_relay_has_started": """
        assert "the machine of gateway relay" in repr(leaf), leaf
        source = "import os; channel.send((os.getpid(), os.getppid()))"
        own, parent = leaf.remote_exec(source).receive()
        assert parent == pid(relay) != own
    """,
    "modifiers_and_other_ways_work_from_there": """
        spec = "popen//via=relay//chdir=/usr//env:A=b//python=>=3.9"
        other = elsewhere.makegateway(spec)
        source = "import os; channel.send((os.getcwd(), os.environ['A']))"
        assert other.remote_exec(source).receive() == ("/usr", "b")
        other = elsewhere.makegateway("cmd=env COLOUR=red//via=leaf//id=third")
        source = "import os; channel.send(os.environ['COLOUR'])"
        assert other.remote_exec(source).receive() == "red"
        assert "`env COLOUR=red` via gateway leaf" in repr(other)
    """,
    "both_may_send_thirty_megabytes_before_they_read": """
        channel = leaf.remote_exec(
            "for i in range(30): channel.send(b'y' * 1000000)\\n"
            "channel.send(sum(len(channel.receive()) for i in range(30)))"
        )
        for _ in range(30):
            channel.send(os.urandom(1000) * 1000)
        assert sum(len(channel.receive(30)) for _ in range(30)) == 30_000_000
        assert channel.receive(30) == 30_000_000
    """,
    "a_leaf_that_stands_still_delays_nobody": """
        neighbour = elsewhere.makegateway("via=relay")
        here, there = neighbour.remote_exec(ECHO), relay.remote_exec(ECHO)
        stuck = leaf.remote_exec("channel.send(sum(len(channel.receive()) for i in range(64)))")
        os.kill(pid(leaf), signal.SIGSTOP)
        try:
            def fill():
                for _ in range(64):
                    stuck.send(bytes(1_000_000))
            filler = threading.Thread(target=fill)
            filler.start()
            time.sleep(0.5)
            for channel in (here, there) * 20:
                begun = time.monotonic()
                channel.send(1)
                assert channel.receive(5) == 1
            assert time.monotonic() - begun < 1
        finally:
            os.kill(pid(leaf), signal.SIGCONT)
        assert stuck.receive(30) == 64_000_000
        filler.join(30)
    """,
    "a_channel_of_a_leaf_that_nobody_reads_delays_no_other_of_it": """
        echo, there = leaf.remote_exec(ECHO), relay.remote_exec(ECHO)
        def rss(gateway):
            with open(f"/proc/{pid(gateway)}/status") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        before = rss(relay), rss(leaf)
        stuck = leaf.remote_exec(
            "import time\\n"
            "while not hasattr(channel.gateway, 'go'): time.sleep(0.05)\\n"
            "channel.send(sum(len(channel.receive()) for i in range(100)))")
        held = leaf.remote_exec(
            "channel.limit(100000); channel.send(1)\\n"
            "import time\\n"
            "while not hasattr(channel.gateway, 'go'): time.sleep(0.05)\\n"
            "channel.send(sum(len(channel.receive()) for i in range(100)))")
        held.receive()
        filler = threading.Thread(target=lambda: [held.send(bytes(1_000_000)) for _ in range(100)])
        filler.start()
        for _ in range(100):
            stuck.send(bytes(1_000_000))
        begun = time.monotonic()
        for channel in (echo, there) * 20:
            channel.send(1)
            assert channel.receive(5) == 1
        assert time.monotonic() - begun < 2
        assert rss(relay) - before[0] < 32 << 10 and rss(leaf) - before[1] < 32 << 10
        assert filler.is_alive()
        leaf.remote_exec("channel.gateway.go = 1").waitclose(10)
        assert stuck.receive(30) == held.receive(30) == 100_000_000
        filler.join(30)
    """,
    "a_leaf_that_is_not_read_delays_nobody": """
        neighbour = elsewhere.makegateway("via=relay").remote_exec(ECHO)
        flood = leaf.remote_exec("for i in range(64): channel.send(b'y' * 1000000)")
        time.sleep(0.5)
        for _ in range(20):
            neighbour.send(1)
            assert neighbour.receive(5) == 1
        assert sum(len(item) for item in flood) == 64_000_000
    """,
    "much_goes_through_in_both_ways": """
        item, count = b'z' * 65536, 1000
        sink = leaf.remote_exec("for i in range(%d): channel.receive()\\nchannel.send(1)" % count)
        for _ in range(count):
            sink.send(item)
        assert sink.receive(20) == 1
        source = leaf.remote_exec("for i in range(%d): channel.send(b'z' * 65536)" % count)
        for _ in range(count):
            assert len(source.receive(20)) == len(item)
    """,
    "a_relay_that_dies_takes_its_leaves_with_it_and_says_so": """
        second = elsewhere.makegateway("via=leaf//id=second")
        channels = [gateway.remote_exec(ECHO) for gateway in (relay, leaf, second)]
        left = pid(leaf), pid(second)
        os.kill(pid(relay), signal.SIGKILL)
        begun = time.monotonic()
        for channel in channels:
            try:
                channel.receive(20)
            except elsewhere.errors.Disconnected:
                continue
            raise AssertionError(channel)
        assert time.monotonic() - begun < 10
        while any(map(is_running, left)):
            assert time.monotonic() - begun < 20, left
            time.sleep(0.05)
    """,
    "a_leaf_that_dies_leaves_its_relay_alone": """
        there = relay.remote_exec(ECHO)
        channel = leaf.remote_exec(ECHO)
        os.kill(pid(leaf), signal.SIGKILL)
        try:
            channel.receive(10)
        except elsewhere.errors.Disconnected:
            pass
        there.send(1)
        assert there.receive(5) == 1
        assert elsewhere.makegateway("via=relay").remote_exec("channel.send(2)").receive(5) == 2
    """,
    "what_ends_ends_in_any_order": """
        second = elsewhere.makegateway("via=leaf//id=second")
        left = pid(leaf), pid(second), pid(relay)
        relay.exit()
        begun = time.monotonic()
        elsewhere.default_group.terminate(5)
        while any(map(is_running, left)):
            assert time.monotonic() - begun < 15, left
            time.sleep(0.05)
    """,
    "the_main_thread_of_a_relay_is_free": """
        source = "import threading; channel.send(threading.current_thread().name)"
        assert relay.remote_exec(source).receive() == "MainThread"
    """,
    "what_a_leaf_says_on_stderr_comes_through": """
        leaf.remote_exec("import sys; sys.stderr.write('said there\\\\n')").waitclose()
    """,
}

IS_RUNNING = """
def is_running(number):
    try:
        return "State:\\tZ" not in open(f"/proc/{number}/status").read()
    except OSError:
        return False
"""


def run(python, package_parent, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python.executable, "-c", START + IS_RUNNING + code],
        env={**os.environ, "PYTHONPATH": package_parent},
        capture_output=True,
        text=True,
        timeout=110,
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("far", ["popen", "popen//python=2.7"])
def test_via(python, package_parent, far, case) -> None:
    body = "\n".join(line[8:] for line in CASES[case].strip("\n").splitlines())
    if "2.7" in far and "python=" in body:
        pytest.skip("says its Python itself")
    ended = run(
        python,
        package_parent,
        f"relay = elsewhere.makegateway({far + '//id=relay'!r})\n"
        f"leaf = elsewhere.makegateway('via=relay//id=leaf')\n{body}\nprint('held')\n",
    )
    if "no Python 2.7 here" in ended.stderr:
        pytest.skip("there is no Python 2.7 here")
    assert ended.stdout == "held\n", ended.stderr
    if "stderr" in case:
        assert "said there\n" in ended.stderr


def test_a_leaf_over_ssh_and_the_ssh_of_a_leaf(python, package_parent, sshd) -> None:
    ended = run(
        python,
        package_parent,
        f"relay = elsewhere.makegateway({sshd.spec('far', 'id=relay')!r})\n"
        f"leaf = elsewhere.makegateway({sshd.spec('far2', 'via=relay')!r})\n"
        "channel = leaf.remote_exec(ECHO)\nchannel.send(7)\nprint(channel.receive(20))\n"
        "try: elsewhere.makegateway("
        f"{sshd.spec('refused', 'via=relay')!r})\n"
        "except elsewhere.errors.Untrusted as error: print(error)\n",
    )
    assert ended.stdout.startswith("7\nrefused via gateway relay refuses the login"), ended.stderr


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("via=nobody", "UsageError: via=nobody: there is no gateway 'nobody'"),
        ("via=relay//python=3.987", "Unsupported: no Python 3.987 on the machine of gateway relay"),
        (
            "via=relay//cmd=no-such-command-9",
            "Unsupported: cannot start no-such-command-9 on the machine of gateway relay",
        ),
    ],
)
def test_what_fails_is_named(python, package_parent, spec, says) -> None:
    code = f"elsewhere.makegateway('popen//id=relay')\nelsewhere.makegateway({spec!r})\n"
    ended = run(python, package_parent, code)
    assert says in ended.stderr and ended.returncode == 1


def test_nothing_is_left_when_the_controller_is_killed(python, package_parent) -> None:
    ended = run(
        python,
        package_parent,
        "relay = elsewhere.makegateway('popen//id=relay')\n"
        "leaf = elsewhere.makegateway('via=relay')\n"
        "leaf.remote_exec('import time; channel.send(1); time.sleep(600)').receive()\n"
        "print(pid(relay), pid(leaf), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    left = [Path(f"/proc/{number}") for number in ended.stdout.split()]
    assert len(left) == 2, ended.stderr
    end = time.monotonic() + 30
    while any(process.exists() for process in left):
        assert time.monotonic() < end
        time.sleep(0.1)
