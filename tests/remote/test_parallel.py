"""Many gateways that start at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import FAMILY, run_case

CASES = {
    "a_hundred_here": """
        group = elsewhere.Group(["popen"] * 100)
        assert [one.id for one in group] == ["gw%d" % number for number in range(100)]
        pids = group.remote_exec("import os; channel.send(os.getpid())").receive_each()
        assert sorted(pids) == sorted(one.facts["pid"] for one in group) and len(set(pids)) == 100
        group.terminate(10)
        wait_until_alone()
    """,
    "a_hundred_fresh_ones": """
        group = elsewhere.Group()
        made = group.makegateways(["popen//warm=no"] * 100)
        assert made == list(group) and not any(one.is_warm for one in made)
        assert group.remote_exec("channel.send(6 * 7)").receive_each() == [42] * 100
        group.terminate(20)
    """,
    "they_stand_in_the_order_of_the_specs": """
        group = elsewhere.Group()
        first = group.makegateway("popen//id=first")
        slow, fast = "popen//id=slow//before=sleep 1", "popen//id=fast"
        made = group.makegateways([slow, fast, elsewhere.XSpec("thread//id=own")])
        assert [one.id for one in made] == ["slow", "fast", "own"]
        assert list(group) == [first, *made]
    """,
    "each_that_fails_is_named_and_none_is_left": """
        group = elsewhere.Group()
        first = group.makegateway()
        specs = ["popen", "popen//python=/no/such", "popen//id=x//chdir=/no/such/dir", "popen"]
        try:
            group.makegateways(specs)
        except elsewhere.HostNotFound:
            raise
        except Exception as error:
            text = str(error)
            assert text.startswith("2 of 4 gateways could not be made"), text
            assert "popen//python=/no/such: cannot start" in text
            assert "popen//id=x//chdir=/no/such/dir: " in text
        else:
            raise AssertionError
        assert list(group) == [first]
        first.close(5)
        wait_until_alone()
        try:
            elsewhere.Group(["popen//id=a", "popen//id=a"])
        except ValueError as error:
            assert "'a'" in str(error)
        else:
            raise AssertionError
        assert elsewhere.Group(()).makegateways([]) == []
    """,
    "one_may_go_through_another": """
        group = elsewhere.Group(["popen//via=far//id=near", "popen//id=far", "popen//via=near"])
        assert [one.id for one in group] == ["near", "far", "gw0"]
        assert group.remote_exec("channel.send(1)").receive_each() == [1, 1, 1]
        group.terminate(10)
        try:
            elsewhere.Group(["popen//via=b//id=a", "popen//via=a//id=b"])
        except ValueError as error:
            assert "via=" in str(error)
        else:
            raise AssertionError
    """,
    "one_place_is_not_overrun": """
        import os, sys
        os.mkdir("at")
        with open("login", "w") as file:
            file.write("touch at/$$; ls at | wc -l >> most; sleep 0.2; rm at/$$\\n")
            file.write("exec sh -c \\"$1\\"")
        group = elsewhere.Group(["cmd=sh login {}//python=" + sys.executable] * 20)
        assert group.remote_exec("channel.send(1)").receive_each() == [1] * 20
        assert 2 <= max(map(int, open("most").read().split())) <= 8
    """,
    "an_executor_starts_all_its_interpreters_so": """
        with elsewhere.Executor(["popen"] * 10) as executor:
            assert sum(executor.map(abs, range(-50, 0))) == 1275
    """,
    "execnet_programs_have_it_too": """
        import elsewhere.compat
        elsewhere.compat.install("execnet")
        import execnet
        group = execnet.Group(["popen"] * 4)
        assert group.remote_exec("channel.send(1)").receive_each() == [1] * 4
        group.terminate(5)
    """,
    "ctrl_c_ends_it_and_leaves_nothing": """
        import os, signal, threading, time
        specs = ["popen"] * 3 + ["popen//before=sleep 5"] * 3
        threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        group = elsewhere.Group()
        try:
            group.makegateways(specs)
        except KeyboardInterrupt:
            assert time.monotonic() - began < 4
        else:
            raise AssertionError
        wait_until_alone()
        assert not group
    """,
}

TOOLS = """
import time
def wait_until_alone():
    until = time.monotonic() + 15
    while left := [pid for pid in children() if state(pid) != "Z"]:
        assert time.monotonic() < until, left
        time.sleep(0.05)
"""


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, python, package_parent: str, tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text(FAMILY + TOOLS)
    run_case(
        python.executable, package_parent, "from tools import *\n" + _flush(CASES[case]), tmp_path,
        timeout=120,
    )  # fmt: skip


def _flush(body: str) -> str:
    import textwrap

    return textwrap.dedent(body)


def test_twenty_over_ssh(python, package_parent: str, sshd, tmp_path: Path) -> None:
    spec = sshd.spec()
    bad = spec.replace("ssh=far", "ssh=refused")
    assert bad != spec
    run_case(
        python.executable, package_parent,
        f"""
        group = elsewhere.Group([{spec!r}] * 20)
        assert group.remote_exec("channel.send(1)").receive_each() == [1] * 20
        group.terminate(10)
        try:
            elsewhere.Group([{spec!r}, {bad!r}, {spec!r}])
        except elsewhere.HostNotFound:
            raise
        except PermissionError as error:
            assert "1 of 3 gateways" in str(error) and "ssh=refused" in str(error), error
        else:
            raise AssertionError
        """,
        tmp_path, timeout=120,
    )  # fmt: skip
