"""elsewhere.makegateway: a bare Python somewhere else, and channels to it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

CASES = {
    "values_come_back_as_they_were": """
        channel = gateway.remote_exec("while 1: channel.send(channel.receive())")
        values = 1, -(2**31) - 1, 2**70, "ä", "x" * 300_000, [1, {"a": (2.5, None, {3})}], 1j
        for value in values:
            channel.send(value)
            assert channel.receive() == value
    """,
    "a_function_gets_its_arguments": """
        def add(channel, a, b):
            channel.send(a + b)
        assert gateway.remote_exec(add, a=1, b=2).receive() == 3
    """,
    "iteration_ends_with_the_code_there": """
        channel = gateway.remote_exec("for i in range(5): channel.send(i)")
        assert list(channel) == [0, 1, 2, 3, 4]
        for _ in range(2):
            try:
                channel.receive()
            except EOFError:
                continue
            raise AssertionError
    """,
    "an_exception_there_is_a_RemoteError_with_its_traceback": """
        channel = gateway.remote_exec("x = 0\\n1 / x")
        try:
            channel.receive()
        except elsewhere.RemoteError as error:
            assert "ZeroDivisionError" in str(error) and "line 2" in str(error)
        else:
            raise AssertionError
    """,
    "a_wait_has_a_limit": """
        channel = gateway.remote_exec("channel.receive()")
        try:
            channel.receive(timeout=0.1)
        except elsewhere.TimeoutError:
            channel.close()
        else:
            raise AssertionError
    """,
    "what_cannot_be_sent_is_named": """
        channel = gateway.remote_exec("channel.receive()")
        try:
            channel.send([1, {"key": object()}])
        except elsewhere.DumpError as error:
            assert "object" in str(error) and "[1]['key']" in str(error), error
        else:
            raise AssertionError
        channel.close()
    """,
    "both_may_send_sixty_megabytes_before_they_read": """
        channel = gateway.remote_exec(
            "for i in range(60): channel.send(b'y' * 1000000)\\n"
            "channel.send(sum(len(channel.receive()) for i in range(60)))"
        )
        for _ in range(60):
            channel.send(b"x" * 1000000)
        assert sum(len(channel.receive()) for _ in range(60)) == 60_000_000
        assert channel.receive() == 60_000_000
    """,
    "descriptors_for_our_own_children_stay_here": """
        import os
        os.dup2(os.open(os.devnull, os.O_RDWR), 77, inheritable=True)
        spec = "//".join(part for part in str(gateway.spec).split("//") if part[:3] != "id=")
        channel = elsewhere.makegateway(spec).remote_exec("import os; os.fstat(77)")
        try:
            channel.receive()
        except elsewhere.RemoteError as error:
            assert "Bad file descriptor" in str(error)
        else:
            raise AssertionError
        assert os.get_inheritable(77)
    """,
    "prints_there_do_not_disturb": """
        channel = gateway.remote_exec(
            "import os, sys; print('noise'); os.system('echo noise'); channel.send(1)"
        )
        assert channel.receive() == 1
    """,
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("far", ["popen", "popen//engine=no", "popen//python=2.7", "ssh"])
def test_gateway(python, package_parent, far, case, tmp_path: Path, request) -> None:
    spec = request.getfixturevalue("sshd").spec() if far == "ssh" else far
    script = tmp_path / "case.py"
    lines = CASES[case].strip("\n").splitlines()
    body = "\n".join(line[8:] for line in lines)
    script.write_text(
        f"import elsewhere\ngateway = elsewhere.makegateway({spec!r})\n{body}\n"
        "gateway.exit()\ngateway.join(20)\nassert not gateway.hasreceiver()\nprint('held')\n"
    )
    ended = subprocess.run(
        [python.executable, str(script)],
        env={**os.environ, "PYTHONPATH": package_parent},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "no Python 2.7 here" in ended.stderr:
        pytest.skip("there is no Python 2.7 here")
    assert ended.stdout == "held\n", ended.stderr
