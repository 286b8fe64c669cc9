"""Groups of gateways, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import run_case

CASES = {
    "a_group_is_a_container_in_the_order_of_making": """
        group = elsewhere.Group()
        made = [group.makegateway(f"popen//id={name}") for name in "325"]
        assert list(group) == made and [one.id for one in group] == list("325")
        assert group["2"] is made[1] and group[0] is made[0] and group[made[2]] is made[2]
        assert "5" in group and made[0] in group and "7" not in group
        assert repr(group) == "<Group ['3', '2', '5']>"
        try:
            group.makegateway("popen//id=3")
        except ValueError as error:
            assert "'3'" in str(error)
        else:
            raise AssertionError
        made[0].exit()
        assert "3" not in group and len(group) == 2
        group.terminate(5)
        assert not group and repr(group) == "<Group []>"
    """,
    "ids_are_given_once_and_specs_may_be_changed": """
        import os
        group = elsewhere.Group()
        spec = elsewhere.XSpec("popen")
        group.allocate_id(spec)
        group.allocate_id(spec)
        assert spec.id == "gw0" and elsewhere.XSpec("popen") == spec
        spec.chdir = os.path.abspath("new")
        gateway = group.makegateway(spec)
        assert gateway.id == "gw0" and gateway.spec is spec
        assert gateway._rinfo().cwd == spec.chdir
        gateway.spec.foreign = gateway.foreign = object()
        assert group.makegateway().id == "gw1"
        group.terminate(5)
    """,
    "all_gateways_execute_at_once": """
        group = elsewhere.Group(["popen"] * 2)
        channels = group.remote_exec("import os; channel.send(channel.receive() + 1)")
        channels.send_each(41)
        assert channels.receive_each() == [42, 42]
        channels = group.remote_exec("import os; channel.send(os.getpid())")
        pairs = channels.receive_each(withchannel=True)
        assert [channel for channel, _ in pairs] == list(channels)
        assert len({pid for _, pid in pairs}) == 2
        channels = group.remote_exec("channel.send(1)")
        queue = channels.make_receive_queue(endmarker=None)
        got = [queue.get(timeout=20) for _ in range(4)]
        assert sorted(str(item) for _, item in got) == ["1", "1", "None", "None"]
        assert {channel for channel, _ in got} == set(channels)
        channels = group.remote_exec("1 / 0")
        try:
            channels.waitclose()
        except elsewhere.RemoteError as error:
            assert "ZeroDivisionError" in str(error)
        else:
            raise AssertionError
        del channels
        group.terminate(5)
    """,
    "execution_models_are_set_before_gateways": """
        group = elsewhere.Group(execmodel="main_thread_only")
        assert group.execmodel.backend == group.remote_execmodel.backend == "main_thread_only"
        assert group.makegateway().remote_status().execmodel == "main_thread_only"
        for model in ("thread", "gevent"):
            try:
                group.set_execmodel(model)
            except ValueError:
                pass
            else:
                raise AssertionError
            group.terminate(5)
            if model == "thread":
                group.set_execmodel(model)
    """,
    "main_thread_only_runs_all_in_the_main_thread_or_refuses": """
        group = elsewhere.Group(execmodel="main_thread_only")
        gateway = group.makegateway()
        code = "import threading as t; channel.send(t.current_thread() is t.main_thread())"
        for _ in range(50):
            assert gateway.remote_exec(code).receive(20) is True
        for _ in range(50):  # closed here before it has ended there
            channel = gateway.remote_exec("import time; channel.send(1); time.sleep(0.002)")
            channel.receive(20)
            channel.close()
        blocked = gateway.remote_exec("channel.receive()")
        try:
            gateway.remote_exec(code).receive(20)
        except elsewhere.RemoteError as error:
            assert "deadlock" in str(error)
        else:
            raise AssertionError
        blocked.send(1)
        assert gateway.remote_exec(code).receive(20) is True
        group.terminate(5)
    """,
    "a_gateway_may_go_through_others": """
        import os
        group = elsewhere.Group()
        group.makegateway("popen//id=one")
        group.makegateway("popen//via=one//id=two")
        far = group.makegateway("popen//via=two//id=three//env:NAME=value//chdir=new")
        assert os.path.basename(far._rinfo().cwd) == "new"
        parents = "import os; channel.send((os.getppid(), os.environ.get('NAME')))"
        assert far.remote_exec(parents).receive() == (group["two"].facts["pid"], "value")
        channel = far.remote_exec("while 1: channel.send(channel.receive())")
        for value in (1, b"x" * 5_000_000, "text"):
            channel.send(value)
            assert channel.receive() == value
        pids = [gateway.facts["pid"] for gateway in group]
        group.terminate(5)
        assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
        try:
            group.makegateway("popen//via=nobody")
        except ValueError as error:
            assert "nobody" in str(error)
        else:
            raise AssertionError
    """,
    "what_goes_through_a_killed_gateway_is_lost_and_ends_in_time": """
        import os, signal, time
        group = elsewhere.Group()
        one = group.makegateway("popen//id=one")
        two = group.makegateway("popen//via=one//id=two")
        channel = two.remote_exec("channel.receive()")
        os.kill(one.facts["pid"], signal.SIGKILL)
        try:
            channel.receive()
        except EOFError:
            pass
        else:
            raise AssertionError
        begun = time.monotonic()
        group.terminate(1)
        assert time.monotonic() - begun < 5 and not group
        end = time.monotonic() + 20
        while os.path.exists(f"/proc/{two.facts['pid']}"):
            assert time.monotonic() < end
            time.sleep(0.05)
    """,
    "a_worker_that_will_not_end_is_killed_in_time": """
        import os, time
        group = elsewhere.Group(["popen"] * 3)
        pids = [gateway.facts["pid"] for gateway in group]
        stubborn = group.remote_exec(
            "import signal, time; signal.signal(15, signal.SIG_IGN); channel.send(1)\\n"
            "while 1:\\n  try: time.sleep(100)\\n  except BaseException: pass"
        )
        assert stubborn.receive_each() == [1, 1, 1]
        begun = time.monotonic()
        group.terminate(0.5)
        assert time.monotonic() - begun < 5
        assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    """,
    "termination_never_raises_whatever_died_before": """
        import os, signal
        group = elsewhere.Group(["popen"] * 3)
        os.kill(group[0].facts["pid"], signal.SIGKILL)
        os.kill(group[1].facts["pid"], signal.SIGSTOP)
        group.terminate(1)
        group.terminate(1)
        assert not group
    """,
    "exit_does_not_wait_and_what_has_ended_is_reaped": """
        import os, time
        group = elsewhere.Group()
        gateway = group.makegateway()
        pid = gateway.facts["pid"]
        gateway.remote_exec("import time; time.sleep(2)")
        begun = time.monotonic()
        gateway.exit()
        gateway.exit()
        assert time.monotonic() - begun < 1
        gateway.join(20)
        group.makegateway()
        assert not os.path.exists(f"/proc/{pid}")
        group.terminate(5)
    """,
    "a_hundred_are_opened_at_once_by_twenty_threads": """
        import os, threading
        group = elsewhere.Group()
        answers, wrong = [], []
        begin = threading.Barrier(20)
        def work(number):
            try:
                begin.wait(20)
                for step in range(5):
                    spec = ["popen", "popen//engine=no"][step % 2]
                    gateway = group.makegateway(spec)
                    channel = gateway.remote_exec("channel.send((channel.receive(), 'a'))")
                    channel.send(5 * number + step)
                    answers.append((gateway.id, *channel.receive(60)))
            except BaseException as error:
                wrong.append(error)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(80)
        assert not wrong and not any(thread.is_alive() for thread in threads), wrong
        assert sorted(number for _, number, _ in answers) == list(range(100))
        assert len(group) == 100 == len({name for name, _, _ in answers})
        pids = [gateway.facts["pid"] for gateway in group]
        group.terminate(10)
        assert not group and not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    """,
    "a_fork_leaves_the_gateways_to_the_parent": """
        import os, sys, threading, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork(), because of the threads
        gateway = elsewhere.makegateway("popen")
        pure = elsewhere.makegateway("popen//engine=no")
        echo = "for item in channel: channel.send(item)"
        channels = [one.remote_exec(echo) for one in (gateway, pure)]
        heard = []
        called = gateway.remote_exec(echo)
        called.setcallback(heard.append)
        waiting = gateway.remote_exec("channel.send(channel.receive())")
        thread = threading.Thread(target=lambda: heard.append(waiting.receive(60)))
        thread.start()
        stop = []
        def busy():
            while not stop:
                channels[0].send(b"x" * 1000)
                assert channels[0].receive(60) == b"x" * 1000
        worker = threading.Thread(target=busy)
        worker.start()
        for number in range(20):
            child = os.fork()
            if child == 0:
                wrong = 0
                for action in (
                    lambda: channels[1].send(1),
                    lambda: channels[1].receive(5),
                    lambda: gateway.remote_exec(echo),
                    lambda: gateway.remote_status(5),
                ):
                    try:
                        action()
                        wrong += 1
                    except (EOFError, OSError, elsewhere.errors.Error):
                        pass
                own = elsewhere.Group()
                mine = own.makegateway("popen").remote_exec("channel.send(42)").receive(20)
                wrong += mine != 42
                own.terminate(5)
                if number % 2:
                    os._exit(wrong)
                sys.exit(wrong)  # with all that runs then
            end = time.monotonic() + 30
            while not (ended := os.waitpid(child, os.WNOHANG))[0]:
                assert time.monotonic() < end, f"child {number} does not end"
                time.sleep(0.005)
            assert ended[1] == 0, (number, ended)
        stop.append(1)
        worker.join(20)
        waiting.send("end")
        thread.join(20)
        called.send("called")
        for channel in channels:
            channel.send(7)
            assert channel.receive(20) == 7
        end = time.monotonic() + 20
        while len(heard) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        assert sorted(heard) == ["called", "end"], heard
        elsewhere.default_group.terminate(5)
    """,
    "a_thread_that_waits_leaves_when_the_group_ends": """
        import threading
        group = elsewhere.Group(["popen"])
        channel = group[0].remote_exec("channel.receive()")
        ends = []
        def wait():
            try:
                channel.receive()
            except EOFError as error:
                ends.append(error)
        thread = threading.Thread(target=wait)
        thread.start()
        group.terminate(5)
        thread.join(5)
        assert len(ends) == 1
    """,
}


@pytest.mark.parametrize("case", CASES)
def test_group(python, package_parent, case, tmp_path: Path) -> None:
    body = "\n".join(line[8:] for line in CASES[case].strip("\n").splitlines())
    ended = run_case(python.executable, package_parent, body, tmp_path)
    assert not ended.stderr


# The interpreter ends in 20 s and says nothing, whatever is going on.
AT_EXIT = {
    "code_runs": "gateway.remote_exec('import time; time.sleep(100)')",
    "code_waits": "channel = gateway.remote_exec('channel.receive()')",
    "the_worker_was_killed": "import os; os.kill(gateway.facts['pid'], 9)",
    "the_worker_stands_still": "import os; os.kill(gateway.facts['pid'], 19)",
    "callbacks_are_set": "channel = gateway.remote_exec('channel.receive()')\n"
    "channel.setcallback(print)",
    "a_callback_blocks": "import time\n"
    "channel = gateway.remote_exec('channel.receive(); channel.send(1)')\n"
    "channel.setcallback(lambda item: time.sleep(100)); channel.send(1); time.sleep(0.3)",
    "daemon_threads_wait": """
import threading
def wait():
    try:
        channel.receive()
    except EOFError:
        pass
channel = gateway.remote_exec('channel.receive()')
for _ in range(8):
    threading.Thread(target=wait, daemon=True).start()
""",
    "daemon_threads_try_again_and_again": """
import threading
def wait():
    while True:
        try:
            channel.send(1)
            channel.receive()
        except (EOFError, OSError):
            pass
channel = gateway.remote_exec('while 1: channel.send(channel.receive())')
for _ in range(4):
    threading.Thread(target=wait, daemon=True).start()
""",
    "a_sender_is_held_up_by_a_limit": """
import threading
channel = gateway.remote_exec('channel.limit(10); channel.send(1); import time; time.sleep(100)')
channel.receive()
def flood():
    while True:
        channel.send("x" * 100)
threading.Thread(target=flood, daemon=True).start()
threading.excepthook = lambda *_: None
""",
    "a_channel_of_a_worker_that_stands_still_is_dropped": """
import os
channel = gateway.remote_exec('import time; time.sleep(100)')
os.kill(gateway.facts['pid'], 19)
import threading
flood = lambda: [channel.send(bytes(100000)) for _ in range(100)]
threading.excepthook = lambda *_: None
threading.Thread(target=flood, daemon=True).start()
import time; time.sleep(0.3)
other = gateway.newchannel()
begun = time.monotonic()
del other
assert time.monotonic() - begun < 2
""",
    "relays_have_leaves": """
import threading
leaf = elsewhere.makegateway(f'via={gateway.id}')
deeper = elsewhere.makegateway(f'via={leaf.id}//engine=no')
channels = [one.remote_exec('while 1: channel.send(channel.receive())') for one in (leaf, deeper)]
def wait(channel):
    while True:
        channel.send(1)
        channel.receive()
for channel in channels:
    threading.Thread(target=wait, args=(channel,), daemon=True).start()
threading.excepthook = lambda *_: None
import time; time.sleep(0.1)
""",
    "coroutines_wait": """
import asyncio, threading
channel = gateway.remote_exec('channel.receive()')
async def wait():
    await channel.areceive()
def loop():
    try:
        asyncio.run(wait())
    except BaseException:
        pass
threading.Thread(target=loop, daemon=True).start()
import time; time.sleep(0.2)
""",
    "it_sends_and_nobody_reads": """
import threading, time
def flood():
    while True:
        channel.send(b"x" * 100000)
channel = gateway.remote_exec('import time; time.sleep(100)')
threading.Thread(target=flood, daemon=True).start()
time.sleep(0.2)
import os; os.kill(gateway.facts['pid'], 19)
time.sleep(0.2)
threading.excepthook = lambda *_: None
""",
}


@pytest.mark.parametrize("case", AT_EXIT)
def test_the_interpreter_ends_in_peace_when(python, package_parent, case, tmp_path: Path) -> None:
    body = f"gateway = elsewhere.makegateway()\n{AT_EXIT[case]}"
    ended = run_case(python.executable, package_parent, body, tmp_path, timeout=20)
    assert not ended.stderr
