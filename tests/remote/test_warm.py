"""Workers that are forked from an interpreter that has started already."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from flaky_ssh import children_of, has_ended
from gateway_cases import FAMILY, run_case

# What a program can see of its process.
LOOK = '''
LOOK = """
import gc, os, signal, sys, threading
def mask():
    old = os.umask(0)
    os.umask(old)
    return old
channel.send(dict(
    modules=sorted(sys.modules), argv=sys.argv, path=sys.path, flags=str(sys.flags),
    words=open("/proc/self/cmdline").read(), executable=sys.executable,
    fds=sorted(map(int, os.listdir("/proc/self/fd"))),
    streams=[os.readlink("/proc/self/fd/%d" % fd).split(":")[0] for fd in range(3)],
    parent=os.getppid(), leads=os.getpgrp() == os.getpid(), session=os.getsid(0),
    cwd=os.getcwd(), umask=mask(), nice=os.nice(0), environment=dict(os.environ),
    bytes=sorted(os.environb), libc=os.popen("env | grep -v ^_= | sort").read(),
    signals=[str(signal.getsignal(number)) for number in range(1, 32)],
    held=str(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    threads=[str(thread.name) for thread in threading.enumerate()],
    own=threading.main_thread().native_id == os.getpid() == threading.get_native_id(),
    main=threading.current_thread() is threading.main_thread(), garbage=len(gc.garbage),
    encodings=[stream.encoding for stream in (sys.stdin, sys.stdout, sys.stderr)],
))
"""
def look(spec="popen"):
    with elsewhere.makegateway(spec) as gateway:
        return gateway.remote_exec(LOOK).receive(20), gateway.is_warm
'''

CASES = {
    "a_forked_worker_is_like_a_fresh_one": """
        assert elsewhere.prestart()
        fresh, is_warm = look("popen//warm=no")
        assert not is_warm
        forked, is_warm = look()
        assert is_warm
        differ = [key for key in fresh if fresh[key] != forked[key]]
        assert not differ, [(key, fresh[key], forked[key]) for key in differ]
        import os
        assert forked["parent"] == os.getpid() and forked["leads"] and forked["own"]
    """,
    "it_is_as_its_spec_and_this_process_are_at_its_start": """
        import os, sys
        assert elsewhere.prestart()
        os.makedirs("a/b")
        os.chdir("a/b")
        os.umask(0o027)
        os.environ["LATE"] = "yes"
        os.environ.pop("HELD", None)
        spec = "popen//nice=3//env:MORE=1//id=x"
        fresh, _ = look(spec + "//warm=no")
        forked, is_warm = look(spec)
        differ = [key for key in fresh if fresh[key] != forked[key]]
        assert not differ, [(key, fresh[key], forked[key]) for key in differ]
        # Where a package, or a script, runs code at the start, which may look at any variable, one
        # more is cold.
        with open(sys.executable, "rb") as file:
            is_foreign = "_distutils_hack" in fresh["modules"] or file.read(2) == b"#!"
        assert is_warm or is_foreign, fresh["modules"]
        assert forked["cwd"] == os.getcwd() and forked["umask"] == 0o027
        assert forked["environment"]["LATE"] == "yes" == forked["libc"].split("LATE=")[1][:3]
        assert "HELD" not in forked["environment"] and "HELD" not in forked["libc"]
        forked, is_warm = look("popen//chdir=c")
        assert (is_warm or is_foreign) and forked["cwd"] == os.getcwd() + "/c"
        assert look()[0]["nice"] == fresh["nice"] - 3
    """,
    "the_first_gateway_has_the_next_ones_forked": """
        import time
        first = elsewhere.makegateway()
        assert not first.is_warm
        until = time.monotonic() + 20
        while not elsewhere.makegateway().is_warm:
            assert time.monotonic() < until
            time.sleep(0.05)
    """,
    "what_it_inherits_or_reads_at_its_start_has_changed": """
        import os, resource
        assert elsewhere.prestart()
        os.environ["PYTHONHASHSEED"] = "7"
        with elsewhere.makegateway() as gateway:
            assert not gateway.is_warm
            assert gateway.remote_exec("channel.send(hash('a'))").receive() == hash_of_seven()
        assert elsewhere.prestart()
        with elsewhere.makegateway() as gateway:
            assert gateway.is_warm
            assert gateway.remote_exec("channel.send(hash('a'))").receive() == hash_of_seven()
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0 if soft else hard, hard))
        with elsewhere.makegateway() as gateway:
            assert gateway.is_warm == (soft == hard == 0)
    """,
    "so_it_has_between_two_that_ask_for_many_at_once": """
        import os, resource
        assert elsewhere.prestart()
        ask = "import os; mask = os.umask(0); os.umask(mask); channel.send(mask)"
        for mask in (0o022, 0o077):
            os.umask(mask)
            many = elsewhere.Group(["popen"] * 5)
            assert all(gateway.is_warm for gateway in many)
            assert many.remote_exec(ask).receive_each() == [mask] * 5
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))
        many = elsewhere.Group(["popen"] * 5)
        limit = "import resource; channel.send(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
        assert many.remote_exec(limit).receive_each() == [500] * 5
    """,
    "a_copy_that_it_makes_of_itself_has_no_threads": """
        assert elsewhere.prestart()
        program = '''
        import os, threading, time
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        known = len(threading.enumerate())
        to_here, there = os.pipe()
        if os.fork() == 0:
            names = [thread.name for thread in threading.enumerate()]
            os.write(there, repr((names, threading.active_count())).encode())
            os._exit(0)
        os.wait()
        channel.send((known, os.read(to_here, 1000).decode()))
        '''
        import textwrap
        for spec in ("popen", "popen//warm=no"):
            with elsewhere.makegateway(spec) as gateway:
                assert gateway.is_warm == (spec == "popen")
                known, there = gateway.remote_exec(textwrap.dedent(program)).receive(20)
                assert known > 1 and there == "(['MainThread'], 1)", (known, there)
    """,
    "each_has_its_own_chance": """
        assert elsewhere.prestart()
        group = elsewhere.Group()
        for _ in range(3):
            assert group.makegateway().is_warm
        ask = "import random, os; channel.send((random.random(), os.urandom(8)))"
        assert len(set(group.remote_exec(ask).receive_each())) == 3
    """,
    "a_worker_has_no_stream_of_another": """
        import os
        assert elsewhere.prestart()
        group = elsewhere.Group()
        for _ in range(5):
            assert group.makegateway().is_warm
        ask = (
            "import os\\nfound = []\\nfor fd in os.listdir('/proc/self/fd'):\\n"
            "    try: found.append(os.readlink('/proc/self/fd/' + fd))\\n"
            "    except OSError: pass\\n"
            "channel.send([link for link in found if 'pipe' in link or 'socket' in link])"
        )
        links = group.remote_exec(ask).receive_each()
        assert all(links) and not any("socket" in link for one in links for link in one), links
        for number, one in enumerate(links):
            for other in links[number + 1:]:
                assert not set(one) & set(other)
    """,
    "its_end_is_seen_by_whoever_made_it": """
        import os, signal, time
        assert elsewhere.prestart()
        gateway = elsewhere.makegateway()
        assert gateway.is_warm
        channel = gateway.remote_exec("import os; channel.send(os.getpid()); os._exit(7)")
        pid = channel.receive(10)
        assert os.waitpid(pid, 0) == (pid, 7 << 8)
        gateway = elsewhere.makegateway()
        assert gateway.is_warm
        os.kill(gateway.facts["pid"], signal.SIGKILL)
        gateway.join(10)
        assert not gateway.hasreceiver()
        gateway.close(1)
        assert not os.path.exists("/proc/%d" % gateway.facts["pid"])  # nor a zombie
        gateway = elsewhere.makegateway()
        assert gateway.is_warm
        channel = gateway.remote_exec(
            "import subprocess; channel.send(subprocess.Popen(['sleep', '600']).pid); "
            "channel.receive()"
        )
        child = channel.receive(10)
        gateway._signal(signal.SIGSTOP)
        while state(gateway._pid) != "T":
            time.sleep(0.01)
        gateway.close(0)  # it is late: it and all of its group are killed
        until = time.monotonic() + 10
        while os.path.exists("/proc/%d" % child) and state(child) != "Z":
            assert time.monotonic() < until
            time.sleep(0.01)
    """,
    "without_gateways_there_is_no_process_left_to_wait_for": """
        import os, time
        first = elsewhere.makegateway()
        time.sleep(0.5)
        first.close(5)
        began = time.monotonic()
        try:
            os.wait()
            os.wait()
        except ChildProcessError:
            pass
        assert time.monotonic() - began < 6
        with elsewhere.makegateway() as again:
            assert again.remote_exec("channel.send(1)").receive() == 1
    """,
    "when_the_zygote_dies_its_workers_live_on": """
        import os, signal, time
        assert elsewhere.prestart()
        (zygote,) = children()
        gateway = elsewhere.makegateway()
        assert gateway.is_warm
        channel = gateway.remote_exec("while 1: channel.send(channel.receive())")
        os.kill(zygote, signal.SIGKILL)
        until = time.monotonic() + 10
        while zygote in children():  # nor is it a zombie
            assert time.monotonic() < until
            time.sleep(0.01)
        channel.send(5)
        assert channel.receive(10) == 5
        with elsewhere.makegateway() as cold:
            assert not cold.is_warm
            assert cold.remote_exec("channel.send(1)").receive(10) == 1
        assert elsewhere.prestart()
        with elsewhere.makegateway() as warm:
            assert warm.is_warm
    """,
    "a_zygote_that_stands_still_holds_up_nobody_for_long": """
        import os, signal, time
        assert elsewhere.prestart()
        (zygote,) = children()
        os.kill(zygote, signal.SIGSTOP)
        began = time.monotonic()
        with elsewhere.makegateway() as gateway:
            assert not gateway.is_warm
            assert gateway.remote_exec("channel.send(1)").receive(10) == 1
        assert time.monotonic() - began < 10
    """,
    "a_copy_of_this_process_has_zygotes_of_its_own": """
        import os
        assert elsewhere.prestart()
        (zygote,) = children()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with elsewhere.makegateway() as gateway:
                    assert not gateway.is_warm
                assert elsewhere.prestart()
                with elsewhere.makegateway() as gateway:
                    assert gateway.is_warm
                    ask = gateway.remote_exec("import os; channel.send(os.getppid())")
                    assert ask.receive(10) == os.getpid()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0) == (pid, 0)
        assert zygote in children() and elsewhere.makegateway().is_warm
    """,
    "threads_make_them_at_once": """
        import threading
        assert elsewhere.prestart()
        group = elsewhere.Group()
        threads = [threading.Thread(target=group.makegateway) for _ in range(20)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert len(group) == 20 and all(one.is_warm for one in group)
        pids = group.remote_exec("import os; channel.send(os.getpid())").receive_each()
        assert sorted(pids) == sorted(one._pid for one in group)
    """,
    "a_spec_may_ask_for_a_fresh_one": """
        assert elsewhere.prestart()
        for spec in ("popen//warm=no", "popen//before=true", "thread"):
            with elsewhere.makegateway(spec) as gateway:
                assert not gateway.is_warm, spec
        for spec in ("ssh=somewhere", "thread", "popen//python=no such/python=1//x=y"):
            try:
                elsewhere.prestart(spec)
            except elsewhere.errors.UsageError if hasattr(elsewhere, "errors") else ValueError:
                pass
            else:
                raise AssertionError(spec)
        assert not elsewhere.prestart("popen//before=true")
    """,
}

TOOLS = """
def hash_of_seven():
    import os, subprocess, sys
    env = dict(os.environ, PYTHONHASHSEED="7")
    return int(subprocess.check_output([sys.executable, "-c", "print(hash('a'))"], env=env))
"""


# Why an interpreter as it is here is rightly not forked.
NOT_FORKED = """
import atexit
count = atexit._ncallbacks()
if count:
    print("site registers functions for the end")
"""


@pytest.fixture(autouse=True)
def is_forked(python) -> None:
    ended = subprocess.run(
        [python.executable, "-c", NOT_FORKED], capture_output=True, text=True, check=True
    )
    if ended.stdout:
        pytest.skip(f"Python {python.version} is started cold: {ended.stdout.strip()}")


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, python, package_parent: str, tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text("import elsewhere\n" + FAMILY + TOOLS + LOOK)
    run_case(
        python.executable, package_parent, "from tools import *\n" + _dedent(CASES[case]), tmp_path,
        timeout=90, HELD="1",
    )  # fmt: skip


def _dedent(body: str) -> str:
    import textwrap

    return textwrap.dedent(body)


CUSTOM = {
    "environment": (
        "import os; os.environ['SET'] = 'there'",
        "assert not elsewhere.prestart()\nassert ask() == ('there', False)",
    ),
    "thread": (
        "import threading, time\n"
        "    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        "assert not elsewhere.prestart()\nassert not ask()[1]",
    ),
    "atexit": ("import atexit; atexit.register(len, '')", "assert not elsewhere.prestart()"),
    "print": ("import sys; sys.stderr.write('hello\\n')", "assert not elsewhere.prestart()"),
    "trace": ("import sys; sys.settrace(lambda *_: None)", "assert not elsewhere.prestart()"),
    "look": (
        "import os, sys; sys.flag = os.environ.get('FLAG', 'none')",
        "assert elsewhere.prestart() and ask('flag') == ('none', True)\n"
        "os.environ['FLAG'] = 'set'\n"
        "assert ask('flag') == ('set', False)\n"
        "assert elsewhere.prestart() and ask('flag') == ('set', True)",
    ),
}


@pytest.mark.parametrize("name", CUSTOM)
def test_a_start_that_a_fork_could_not_repeat_is_not_forked(
    name: str, python, package_parent: str, tmp_path: Path
) -> None:
    custom, program = CUSTOM[name]
    folder = tmp_path / "custom"
    folder.mkdir()
    # In the workers only: the program itself is to end as it likes.
    guard = "import sys\nif sys.argv[:1] == ['-c']:\n    "
    (folder / "sitecustomize.py").write_text(guard + custom + "\n")
    run_case(
        python.executable, f"{folder}{os.pathsep}{package_parent}",
        "import os\n"
        "def ask(what=None):\n"
        "    source = 'import os, sys; channel.send(os.environ.get(\"SET\"))'\n"
        "    if what: source = 'import sys; channel.send(sys.flag)'\n"
        "    with elsewhere.makegateway() as gateway:\n"
        "        return gateway.remote_exec(source).receive(20), gateway.is_warm\n" + program,
        tmp_path,
    )  # fmt: skip


def test_a_script_that_runs_python_may_change_the_environment(
    python, package_parent: str, tmp_path: Path
) -> None:
    script = tmp_path / "wrapped"
    script.write_text(
        "#!/bin/sh\n"
        'WRAPPED="$LATE wrapped" PATH="$PATH:/nowhere"\n'
        "export WRAPPED PATH\n"
        f'exec "{python.executable}" "$@"\n'
    )
    script.chmod(0o755)
    run_case(
        python.executable, package_parent,
        f"""
        import os
        spec = "popen//python={script}"
        ask = (
            "import os; channel.send((os.environ['WRAPPED'], os.environ['PATH'].count('nowhere'), "
            "os.popen('echo $PATH').read().count('nowhere')))"
        )
        def answers():
            with elsewhere.makegateway(spec) as gateway:
                return gateway.remote_exec(ask).receive(20), gateway.is_warm
        assert elsewhere.prestart(spec)
        assert answers() == ((" wrapped", 1, 1), True), answers()
        os.environ["LATE"] = "late"
        assert answers() == (("late wrapped", 1, 1), False)
        assert elsewhere.prestart(spec)
        assert answers() == (("late wrapped", 1, 1), True)
        """,
        tmp_path,
    )  # fmt: skip


def test_what_site_reads_may_change_meanwhile(python, package_parent: str, tmp_path: Path) -> None:
    base, added = tmp_path / "base", tmp_path / "added"
    added.mkdir()
    (added / "late_module.py").write_text("value = 5\n")
    run_case(
        python.executable, package_parent,
        f"""
        import os, site
        assert elsewhere.prestart()
        os.makedirs(site.getusersitepackages())
        with open(site.getusersitepackages() + "/late.pth", "w") as file:
            file.write({str(added)!r})
        with elsewhere.makegateway() as gateway:
            assert not gateway.is_warm
            source = "import late_module; channel.send(late_module.value)"
            assert gateway.remote_exec(source).receive(20) == 5
        """,
        tmp_path, PYTHONUSERBASE=str(base),
    )  # fmt: skip


PROGRAM = """
import elsewhere, os, time
assert elsewhere.prestart()
group = elsewhere.Group()
for _ in range(4):
    assert group.makegateway().is_warm
channels = group.remote_exec("import time; channel.send(1); time.sleep(600)")
channels.receive_each()
if os.fork() == 0:  # holds all that this process holds
    time.sleep(600)
print("ready", flush=True)
time.sleep(600)
"""


def test_no_process_is_left_when_the_controller_is_killed(
    python, package_parent: str, tmp_path: Path
) -> None:
    program = subprocess.Popen(
        [python.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": package_parent},
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
    )
    assert program.stdout is not None and program.stdout.readline() == "ready\n"
    family = children_of(program.pid)
    copies = [pid for pid in family if b"PROGRAM" in _words(pid) or b"os.fork" in _words(pid)]
    assert len(family) == 6 and len(copies) == 1
    program.kill()
    program.wait()
    (zygote_and_workers := set(family)).difference_update(copies)
    try:
        # The copy holds pipes of the workers; the zygote knows better.
        until = time.monotonic() + 20
        while len([pid for pid in zygote_and_workers if not has_ended(pid)]) > 4:
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        for pid in copies:
            os.kill(pid, signal.SIGKILL)
    while not all(has_ended(pid) for pid in zygote_and_workers):
        assert time.monotonic() < until
        time.sleep(0.05)
    program.stdout.close()


def _words(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
