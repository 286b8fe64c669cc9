"""Gateways to a thread of the same process: `thread`."""

from __future__ import annotations

import os
import subprocess

import pytest

CASES = {
    "it_shares_the_memory_of_the_program": """
        channel = gateway.remote_exec("import sys; sys.shared = [channel.receive()]")
        channel.send(5)
        channel.waitclose(10)
        assert sys.shared == [5] and gateway.facts["pid"] == os.getpid()
    """,
    "an_exception_there_is_a_RemoteError": """
        try:
            gateway.remote_exec("1 / 0").receive(10)
        except elsewhere.RemoteError as error:
            assert "ZeroDivisionError" in str(error)
        else:
            raise AssertionError
    """,
    "several_live_side_by_side": """
        channels = [elsewhere.makegateway("thread").remote_exec(ECHO) for _ in range(5)]
        for number, channel in enumerate(channels):
            channel.send(number)
        assert [channel.receive(10) for channel in channels] == [0, 1, 2, 3, 4]
    """,
    "long_messages_go_both_ways_at_once": """
        channel = gateway.remote_exec(
            "for i in range(20): channel.send(b'y' * 1000000)\\n"
            "channel.send(sum(len(channel.receive()) for i in range(20)))"
        )
        for _ in range(20):
            channel.send(bytes(1_000_000))
        assert sum(len(channel.receive(10)) for _ in range(20)) == 20_000_000
        assert channel.receive(10) == 20_000_000
    """,
    "its_end_is_not_the_end_of_the_process": """
        channel = gateway.remote_exec(ECHO)
        gateway.exit()
        gateway.join(10)
        assert not gateway.hasreceiver()
        names = [thread.name for thread in threading.enumerate()]
        while "of_test" in names:
            time.sleep(0.01)
            names = [thread.name for thread in threading.enumerate()]
    """,
    "code_that_never_ends_does_not_hold_up_the_end_of_the_program": """
        gateway.remote_exec("import time; channel.send(1); time.sleep(1000)").receive(10)
    """,
    "what_only_a_process_has_is_refused": """
        for more in "chdir=/", "nice=3", "env:A=b", "python=3.12", "before=true":
            try:
                elsewhere.makegateway("thread//" + more)
            except elsewhere.errors.UsageError as error:
                assert more.split("=")[0] in str(error), error
            else:
                raise AssertionError(more)
    """,
}


@pytest.mark.parametrize("case", CASES)
def test_thread(python, package_parent, case) -> None:
    body = "\n".join(line[8:] for line in CASES[case].strip("\n").splitlines())
    ended = subprocess.run(
        [
            python.executable,
            "-c",
            "import os, sys, threading, time\nimport elsewhere\n"
            "ECHO = 'while 1: channel.send(channel.receive())'\n"
            f"gateway = elsewhere.makegateway('thread//id=of_test')\n{body}\nprint('held')\n",
        ],
        env={**os.environ, "PYTHONPATH": package_parent},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("held\n", "", 0)
