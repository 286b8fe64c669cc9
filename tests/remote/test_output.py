"""gateway.stdout and gateway.stderr: what is printed there, told apart."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from pathlib import Path

import pytest
from gateway_cases import run_case

BEGIN = """
import io, os, signal, subprocess, sys, time
out, errors = [], []
def wait_for(what, pieces):
    until = time.monotonic() + 20
    while what not in "".join(pieces):
        assert time.monotonic() < until, (what, pieces)
        time.sleep(0.01)
"""

CASES = {
    "what_python_c_and_children_write_arrives_by_stream": """
        gateway = make(stdout=out.append, stderr=errors.append)
        gateway.remote_exec(
            "import os, sys\\nprint('printed')\\nos.write(1, b'written\\\\n')\\n"
            "os.system('echo child; echo complaint >&2')\\nsys.stderr.write('error\\\\n')"
        ).waitclose()
        wait_for("child", out)
        wait_for("error", errors)
        assert "".join(out) == "printed\\nwritten\\nchild\\n", out
        assert "".join(errors) == "complaint\\nerror\\n", errors
    """,
    "it_arrives_while_the_code_there_still_runs": """
        gateway = make()
        gateway.stdout = out.append
        channel = gateway.remote_exec("print('now')\\nchannel.receive()\\nprint('then')")
        wait_for("now", out)
        channel.send(None)
        wait_for("then", out)
    """,
    "what_was_written_before_a_kill_arrives_before_join_returns": """
        for last in "os.kill(os.getpid(), 9)", "os._exit(3)", "os.abort()":
            gateway = make(stdout=out.append, stderr=errors.append)
            channel = gateway.remote_exec(
                "import os, resource\\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\\n"
                f"os.write(1, b'x' * 60000)\\nos.write(2, b'last words')\\n{last}"
            )
            gateway.join(20)
            assert "".join(out) == "x" * 60000 and "".join(errors).startswith("last words")
            out.clear(), errors.clear()
            gateway.close(1)
    """,
    "what_is_written_at_the_end_arrives_before_close_returns": """
        gateway = make(stdout=out.append)
        gateway.remote_exec(
            "import atexit, os, sys\\natexit.register(os.write, 1, b'at exit\\\\n')\\n"
            "sys.stdout.write('unfinished')\\nsys.stdout.flush()"
        ).waitclose()
        gateway.close(5)
        assert "".join(out) == "unfinishedat exit\\n", out
    """,
    "a_callback_that_is_slow_loses_nothing_and_stops_no_channel": """
        def slowly(text):
            time.sleep(0.001)
            out.append(text)
        gateway = make(stdout=slowly)
        channel = gateway.remote_exec(
            "import os\\nfor i in range(4000): os.write(1, b'%04d' % i + b'x' * 996)\\n"
            "channel.send('written')"
        )
        echo = gateway.remote_exec("while 1: channel.send(channel.receive())")
        for i in range(100):
            echo.send(i)
            assert echo.receive(20) == i
        assert channel.receive(60) == "written"
        gateway.close(20)
        text = "".join(out)
        assert [int(text[at:at + 4]) for at in range(0, len(text), 1000)] == list(range(4000))
    """,
}


THROUGH = {"via": "popen//via=relay", "socket": "socket//installvia=relay"}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "far", ["popen", "popen//engine=no", "popen//python=2.7", "ssh", "bwrap", *THROUGH]
)
def test_output(python, package_parent, far, case, tmp_path: Path, request) -> None:
    spec = request.getfixturevalue("sshd").spec() if far == "ssh" else THROUGH.get(far, far)
    begin = f"def make(**given): return elsewhere.makegateway({spec!r}, **given)\n"
    if far in THROUGH:
        begin += "elsewhere.makegateway('popen//id=relay')\n"
    if far == "bwrap" and "before_a_kill" in case:
        pytest.skip("a jail is gone with its worker")
    done = run(python, package_parent, begin + lines_of(CASES[case]), tmp_path)
    assert far == "ssh" or not done.stderr, done.stderr  # a shell there may have a say


LOCAL = {
    "targets_are_files_descriptors_and_what_subprocess_has": """
        SAY = "import os\\nos.write(1, 'ä-'.encode())\\nos.write(2, b'e-')"
        text, binary = open("text", "w"), open("binary", "wb")
        told = io.StringIO()
        raw = io.BytesIO()
        read, write = os.pipe()
        for target in (text, binary, told, raw, write, subprocess.DEVNULL):
            with elsewhere.makegateway("popen", stdout=target, stderr=subprocess.STDOUT) as gateway:
                gateway.remote_exec(SAY).waitclose()
        assert open("text").read() == "ä-e-" and open("binary", "rb").read() == "ä-e-".encode()
        assert told.getvalue() == "ä-e-" and raw.getvalue() == "ä-e-".encode()
        assert os.read(read, 100) == "ä-e-".encode()
        for wrong in ("text", 1.5, -7, True):
            try:
                gateway.stdout = wrong
            except elsewhere.errors.UsageError as error:
                assert "descriptor" in error.hint
            else:
                raise AssertionError(wrong)
    """,
    "characters_that_come_in_pieces_are_put_together": """
        gateway = elsewhere.makegateway("popen", stdout=out.append)
        gateway.remote_exec(
            "import os, time\\nfor i in range(3):\\n for byte in 'ä'.encode():\\n"
            "  os.write(1, bytes([byte]))\\n  time.sleep(0.02)\\nos.write(1, b'\\\\xc3')"
        ).waitclose()
        gateway.close(5)
        assert "".join(out) == "äää\\\\xc3", out
    """,
    "a_group_says_for_all_that_say_nothing_themselves": """
        group = elsewhere.Group(["popen", "popen"], stdout=out.append)
        group[1].stdout = errors.append
        group.stdout = out.append
        late = group.makegateway("popen")
        group.remote_exec("print('from ' + channel.gateway.id)").waitclose()
        group.terminate(5)
        # print() writes the end of a line by itself: those of two may come together.
        said = "".join(out).replace("\\n", "").split("from ")
        assert sorted(said) == ["", "gw0-worker", "gw2-worker"], out
        assert "".join(errors) == "from gw1-worker\\n", errors
    """,
    "calls_print_there_too": """
        with elsewhere.makegateway("popen", stdout=out.append) as gateway:
            gateway.call(print, "called")
        assert "".join(out) == "called\\n"
        with elsewhere.Executor(["popen"] * 2, stdout=errors.append) as executor:
            list(executor.map(print, range(4)))
        assert sorted("".join(errors).replace("\\n", "")) == ["0", "1", "2", "3"], errors
    """,
    "another_target_may_be_set_at_any_time": """
        gateway = elsewhere.makegateway("popen")
        channel = gateway.remote_exec("for word in channel: print(word); channel.send(1)")
        for number, pieces in enumerate((out, errors, out)):
            gateway.stdout = pieces.append
            channel.send(str(number))
            wait_for(str(number), pieces)
        gateway.close(5)
        assert "".join(out) == "0\\n2\\n" and "".join(errors) == "1\\n"
    """,
    "the_program_there_has_no_child_that_it_did_not_start": """
        gateway = elsewhere.makegateway("popen", stdout=out.append)
        channel = gateway.remote_exec(
            "import os\\ntry:\\n os.wait()\\nexcept ChildProcessError:\\n channel.send('none')"
        )
        assert channel.receive(20) == "none"
    """,
    "a_worker_in_a_thread_has_no_output_of_its_own": """
        gateway = elsewhere.makegateway("thread")
        try:
            gateway.stdout = out.append
        except elsewhere.errors.UsageError as error:
            assert "a thread here" in str(error)
        else:
            raise AssertionError
        group = elsewhere.Group(["thread"], stdout=out.append)
        group.terminate(1)
    """,
    "a_gateway_that_has_ended_says_so": """
        gateway = elsewhere.makegateway("popen")
        gateway.close(5)
        try:
            gateway.stdout = out.append
        except OSError:
            pass
        else:
            raise AssertionError
        time.sleep(0.1)
        import threading
        assert threading.active_count() == 1, threading.enumerate()
    """,
    "main_thread_only_workers_have_it_too_while_they_are_busy": """
        gateway = elsewhere.makegateway("popen//execmodel=main_thread_only")
        busy = gateway.remote_exec("channel.send(1)\\nchannel.receive()\\nprint('told')")
        busy.receive()
        gateway.stdout = out.append
        busy.send(None)
        wait_for("told", out)
    """,
}


@pytest.mark.parametrize("case", LOCAL)
def test_output_here(python, package_parent, case, tmp_path: Path) -> None:
    done = run(python, package_parent, lines_of(LOCAL[case]), tmp_path)
    assert not done.stderr, done.stderr


def lines_of(case: str) -> str:
    return "\n".join(line[8:] for line in case.strip("\n").splitlines())


def run(python, package_parent, body, folder, **env) -> subprocess.CompletedProcess[str]:
    return run_case(python.executable, package_parent, BEGIN + body, folder, 90, **env)


def test_a_target_that_raises_is_named_and_what_comes_is_shown(
    python, package_parent, tmp_path: Path
) -> None:
    body = """
gateway = elsewhere.makegateway("popen", stdout=lambda text: 1 / 0)
gateway.remote_exec("print('first')").waitclose()
time.sleep(0.3)
gateway.remote_exec("print('second')").waitclose()
gateway.close(5)
"""
    done = run(python, package_parent, body, tmp_path)
    assert "ZeroDivisionError" in done.stderr and done.stderr.endswith("second\n")


def test_without_target_and_terminal_all_goes_to_our_stderr(
    python, package_parent, tmp_path: Path
) -> None:
    body = """
gateway = elsewhere.makegateway("popen")
gateway.remote_exec("import os; print('out'); os.write(2, b'error\\\\n')").waitclose()
assert gateway._output is None
gateway.close(5)
"""
    done = run(python, package_parent, body, tmp_path)
    assert done.stdout == "held\n" and done.stderr == "out\nerror\n"


def test_a_terminal_shows_whose_line_it_is(python, package_parent, tmp_path: Path) -> None:
    script = tmp_path / "case.py"
    script.write_text(
        """
import elsewhere, subprocess, time
a, b = elsewhere.makegateway(), elsewhere.makegateway()
channel = a.remote_exec(
    "import sys; print('one'); sys.stdout.write('half'); sys.stdout.flush(); channel.send(1);"
    "channel.receive(); print('way')"
)
channel.receive()
time.sleep(0.5)
b.remote_exec("import os; os.write(2, b'from b\\\\nagain\\\\n')").waitclose()
time.sleep(0.5)
channel.send(1)
channel.waitclose()
quiet = elsewhere.makegateway("popen", stdout=subprocess.DEVNULL)
quiet.remote_exec("print('unseen')").waitclose()
"""
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": package_parent}
    words = [python.executable, str(script)]
    with subprocess.Popen(
        words, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as one:
        os.close(theirs)
        shown = read_all(ours)
        assert one.wait(30) == 0, shown
    assert shown.replace("\r", "") == (
        "[gw0] one\n[gw0] half\n[gw1] from b\n[gw1] again\n[gw0] way\n"
    )


def read_all(descriptor: int) -> str:
    pieces = []
    try:
        while piece := os.read(descriptor, 1 << 16):
            pieces.append(piece)
    except OSError:  # the last process on the terminal has ended
        pass
    os.close(descriptor)
    return b"".join(pieces).decode()


@pytest.mark.parametrize("busy", [True, False])
@pytest.mark.parametrize("killed", ["worker", "controller"])
def test_nothing_is_left_of_it_after_a_kill(
    python, package_parent, killed, busy, tmp_path: Path
) -> None:
    script = tmp_path / "case.py"
    early, late = ("", "gateway.stdout = print\n") if busy else (", stdout=print", "")
    script.write_text(
        f"import elsewhere\ngateway = elsewhere.makegateway('popen//warm=no'{early})\n"
        f"gateway.remote_exec('channel.send(1)').receive()\n{late}"
        "gateway.remote_exec('channel.send(1)').receive()\n"
        "open('pid', 'w').write(str(gateway.facts['pid']))\nprint('begun', flush=True)\ninput()\n"
    )
    with subprocess.Popen(
        [python.executable, str(script)],
        env={**os.environ, "PYTHONPATH": package_parent, "MARK_OF_THIS_TEST": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as one:
        assert one.stdout is not None and one.stdout.readline() == "begun\n"
        assert len(marked(tmp_path)) == 3
        worker = int((tmp_path / "pid").read_text())
        os.kill(worker if killed == "worker" else one.pid, 9)
        until = time.monotonic() + 20
        while marked(tmp_path) - {one.pid}:
            assert time.monotonic() < until, "a process is left"
            time.sleep(0.05)
        one.kill()


def marked(mark: Path) -> set[int]:
    """The processes that have this in their environment."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"MARK_OF_THIS_TEST={mark}".encode() in place.read_bytes().split(b"\0"):
                found.add(int(place.parent.name))
        except OSError:
            continue
    return found
