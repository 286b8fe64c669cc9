"""The worker, on every Python that is here, as a controller of the wire sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from controller import (
    CLOSE,
    DATA,
    EXEC,
    EXIT,
    EXTENDED,
    HEADER,
    LAST,
    MORE,
    PING,
    PONG,
    RECONFIGURE,
    STATUS,
    TERMINATE,
    Controller,
    Gone,
    engine_of,
    packed_code,
    packed_text,
    record,
    stage0,
    values,
)
from interpreters import interpreters

ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "spec/vectors/values.json").read_text())
every_python = pytest.mark.parametrize("interpreter", interpreters())
ECHO = "for item in channel: channel.send(item)"


@pytest.fixture(params=["pure", "native"], autouse=True)
def carried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with link.py and with the engine's link, where there is an engine."""
    python = request.node.callspec.params.get("interpreter", sys.executable)
    monkeypatch.setattr(Controller, "native", request.param == "native")
    if Controller.native and engine_of(python) is None:
        pytest.skip("there is no engine for it")


@pytest.fixture(params=["text", "code"])
def coded(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "code")


@pytest.fixture
def worker() -> Iterator[Controller]:
    with Controller(sys.executable, code=True) as controller:
        yield controller


# --- boot ------------------------------------------------------------------------------------


@every_python
def test_a_bare_interpreter_boots_and_answers(interpreter: str, coded: bool) -> None:
    if coded and "jython" in interpreter:
        pytest.skip("Jython has no marshalled code")
    with Controller(interpreter, code=coded) as worker:
        assert not worker.asked
        assert worker.hello["wire"] == 1 and worker.hello["pid"] == worker.process.pid
        worker.py2str_as_py3str = False
        channel = worker.execute(ECHO)
        for value in (1, None, [1.5, {"k": b"v"}]):
            worker.put(channel, value)
            assert worker.get(channel) == value
        worker.send(LAST, channel)
        assert worker.closed(channel) == ""
        assert worker.terminate() == 0


@every_python
def test_it_carries_the_golden_values(interpreter: str) -> None:
    with Controller(interpreter) as worker:
        channel = worker.execute(ECHO)
        worker.py2str_as_py3str = False
        for expression, encoding in VECTORS["both"]:
            if "jython" in interpreter and "\\ud" in expression:
                continue  # Java's UTF-8 has no lone surrogates
            worker.send(DATA, channel, bytes.fromhex(encoding))
            expected = eval(expression)
            if isinstance(expected, float) and expected != expected:
                assert repr(worker.get(channel)) == repr(expected)
            else:
                assert worker.get(channel) == expected, expression


def test_the_python_codec_agrees_with_the_golden_values() -> None:
    for expression, encoding in VECTORS["both"]:
        value, data = eval(expression), bytes.fromhex(encoding)
        if not isinstance(value, (set, frozenset)):
            assert values.encode(value) == (data, False), expression
            assert values.dumps(value) == (data, False), expression
        assert repr(values.Decoder(data, False).value()) == repr(value), expression
    for expression, encoding in VECTORS["read"]:
        assert values.Decoder(bytes.fromhex(encoding), False).value() == eval(expression)
    for why, encoding, *_ in VECTORS["refused"]:
        with pytest.raises(values.LoadError):
            values.Decoder(bytes.fromhex(encoding), False).value()
            raise AssertionError(why)


@pytest.mark.parametrize("interpreter", interpreters("2.7", "3.8", "3.13", "pypy3"))
def test_a_wrong_belief_about_the_magic_number_is_answered_by_a_question(interpreter: str) -> None:
    _, code = packed_code(sys.executable)
    early = HEADER.pack(5, PING, 0, 0, 0, 2) + b"early"
    with Controller(interpreter, boot=(b"\0\0\r\n", code), pipelined=early) as worker:
        assert worker.asked and worker.magic == worker.hello["magic"] != b"\0\0\r\n"
        assert worker.take(0, PONG) == b"early"
        channel = worker.execute("channel.send(6 * 7)")
        assert worker.get(channel) == 42


@pytest.mark.parametrize("interpreter", interpreters("2.7", "3.6", "3.13"))
def test_what_a_remote_shell_prints_first_is_skipped(interpreter: str) -> None:
    shell = "echo 'Welcome!'; head -c 5000 /dev/zero; exec \"$0\" -c '" + stage0() + "'"
    with Controller(interpreter, command=["sh", "-c", shell, interpreter]) as worker:
        assert worker.noise == b"Welcome!\n" + bytes(5000)
        assert worker.get(worker.execute("channel.send(1)")) == 1


@every_python
def test_prints_do_not_reach_the_stream(interpreter: str, tmp_path: Path) -> None:
    # os.system does not come back in a Jython that has no console.
    child = "print('from a child')" if "jython" in interpreter else "os.system('echo from a child')"
    with open(tmp_path / "err", "wb") as err, Controller(interpreter, stderr=err) as worker:
        channel = worker.execute(
            "import os, sys\n"
            "print('printed')\n"
            f"{child}\n"
            "sys.stdout.write('unfinished')\n"
            "channel.send(sys.stdin.read())"
        )
        assert worker.get(channel) == ""
        assert worker.closed(channel) == ""
        assert worker.terminate() == 0
    said = (tmp_path / "err").read_text()
    for words in ("printed", "from a child", "unfinished"):
        assert words in said


def test_nothing_is_written_to_disk(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PYTHONPYCACHEPREFIX": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", "pass"], env=environment, check=True)
    before = sorted(tmp_path.rglob("*"))  # by the interpreter, before any code of ours
    with Controller(sys.executable, cwd=tmp_path, env=environment) as worker:
        assert worker.get(worker.execute("channel.send(1)")) == 1
        assert worker.terminate() == 0
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("interpreter", interpreters("2.7", "3.6", "3.13"))
def test_a_controller_that_vanishes_while_booting_leaves_no_trace(interpreter: str) -> None:
    whole = record(b"0123456789abcdef", b"text", packed_text())
    for sent in (0, 7, 30, 50, len(whole) - 1, len(whole)):
        process = subprocess.run(
            [interpreter, "-c", stage0()], input=whole[:sent], capture_output=True, timeout=30
        )
        assert process.stderr == b"", sent
        if sent < len(whole):
            assert process.stdout == b"", sent


def test_what_arrives_damaged_is_not_run() -> None:
    damaged = bytearray(record(b"0123456789abcdef", b"text", packed_text()))
    damaged[100] ^= 1
    process = subprocess.run(
        [sys.executable, "-c", stage0()], input=damaged, capture_output=True, timeout=30
    )
    assert process.stdout[:17] == b"fedcba9876543210-" and process.stderr == b""
    assert process.returncode == 1


def test_the_text_is_small_enough_and_stage_0_passes_any_shell() -> None:
    assert len(packed_text()) <= 14 * 1024
    line = stage0()
    assert "\n" not in line and not set(line) & set("'!\\$`") and len(line) < 1500


# --- execution -------------------------------------------------------------------------------


@every_python
def test_an_exception_comes_back_as_a_traceback_with_its_lines(interpreter: str) -> None:
    with Controller(interpreter) as worker:
        text = worker.closed(worker.execute("def f():\n    raise ValueError('no')\n\nf()"))
    assert text.startswith('Traceback (most recent call last):\n  File "<remote exec>", line 4')
    assert "    raise ValueError('no')\n" in text and text.endswith("ValueError: no\n")
    assert "elsewhere" not in text


@every_python
def test_functions_are_called_with_the_channel_and_keywords(interpreter: str) -> None:
    with Controller(interpreter) as worker:
        source = (
            "def add(channel, a, b):\n    channel.send(a + b)\nassert __name__ == '__channelexec__'"
        )
        channel = worker.execute(source, "add", a=40, b=2)
        assert worker.get(channel) == 42
        assert worker.closed(channel) == ""


@every_python
def test_the_first_code_runs_in_the_main_thread_and_others_beside_it(interpreter: str) -> None:
    where = "import threading\nchannel.send(threading.current_thread().name)\nchannel.receive()"
    with Controller(interpreter) as worker:
        first, second = worker.execute(where), worker.execute(where)
        assert worker.get(first) == "MainThread"
        assert worker.get(second) not in ("MainThread", None)
        worker.send(STATUS, 0)
        assert worker.take(0, STATUS) == {
            "numchannels": 2,
            "numexecuting": 2,
            "execmodel": "thread",
        }
        worker.put(second, 0)
        assert worker.closed(second) == ""
        worker.put(first, 0)
        assert worker.closed(first) == ""
        assert worker.get(worker.execute(where)) == "MainThread"


def test_main_thread_only_refuses_a_second_task_after_a_second() -> None:
    with Controller(sys.executable, hello={"execmodel": "main_thread_only"}) as worker:
        first = worker.execute("channel.receive()")
        second = worker.execute("pass")
        assert "main_thread_only" in worker.closed(second)
        worker.put(first, 0)
        worker.closed(first)
        assert worker.closed(worker.execute("pass")) == ""


def test_the_hello_sets_up_the_process(tmp_path: Path) -> None:
    hello = {"chdir": str(tmp_path / "new"), "environment": {"ELSEWHERE_X": "y"}, "nice": 1}
    with Controller(sys.executable, hello=hello) as worker:
        channel = worker.execute(
            "import os\nchannel.send((os.getcwd(), os.environ['ELSEWHERE_X'], channel.gateway.id))"
        )
        assert worker.get(channel) == (str(tmp_path / "new"), "y", "gw0-worker")


def test_a_hello_that_cannot_be_followed_is_answered_with_the_reason() -> None:
    with Controller(sys.executable, hello={"chdir": "/nowhere/at/all"}) as worker:
        assert "/nowhere/at/all" in worker.closed(0)
        assert worker.take(0, EXIT) == 1
        assert worker.process.wait(10) == 1


# --- channels --------------------------------------------------------------------------------


@every_python
def test_the_ends_of_a_channel(interpreter: str) -> None:
    source = """
try:
    channel.receive(timeout=0.05)
except channel.TimeoutError as error:
    channel.send("timeout: %s" % error)
other = channel.receive()
try:
    other.receive()
except channel.RemoteError as error:
    channel.send("remote: %s" % error)
for _ in range(2):
    try:
        other.receive()
    except EOFError:
        channel.send("eof")
channel.send(other.isclosed())
try:
    other.send(1)
except IOError as error:
    channel.send(str(error))
try:
    channel.waitclose(0.05)
except channel.TimeoutError:
    channel.send("open")
try:
    channel.close()
except IOError as error:
    channel.send(str(error))
"""
    with Controller(interpreter) as worker:
        channel = worker.execute(source)
        assert worker.get(channel) == "timeout: no item after 0.05 seconds"
        other, worker.next_id = worker.next_id, worker.next_id + 2
        worker.send(DATA, channel, b"C" + other.to_bytes(4, "little"), EXTENDED)
        worker.send(CLOSE, other, values.dumps("went wrong")[0])
        got = [worker.get(channel) for _ in range(7)]
        assert got == [
            "remote: went wrong", "eof", "eof", True, f"cannot send to <Channel id={other} closed>",
            "open", "cannot explicitly close channel within remote_exec",
        ]  # fmt: skip
        assert worker.closed(channel) == ""


@every_python
def test_a_channel_of_the_worker_travels_as_a_value_and_ends_when_forgotten(
    interpreter: str,
) -> None:
    with Controller(interpreter) as worker:
        channel = worker.execute(
            "new = channel.gateway.newchannel()\n"
            "channel.send({'new': [new]})\n"
            "channel.send(new.receive() + 1)\n"
            "del new\n"
            "import gc; gc.collect()\n"
            "channel.receive()"
        )
        mark, number = worker.get(channel)["new"][0]
        assert mark == "C" and number == 2
        worker.put(2, 41)
        assert worker.get(channel) == 42
        if worker.hello["implementation"] == "cpython":
            assert worker.take(2, CLOSE) == b""


@every_python
def test_callbacks_run_in_order_and_get_the_endmarker(interpreter: str) -> None:
    source = """
got = []
new = channel.gateway.newchannel()
channel.send(new)
channel.receive()
new.setcallback(got.append, endmarker="end")
try:
    new.receive()
except IOError as error:
    channel.send(str(error))
new.waitclose()
import time
while got[-1:] != ["end"]:
    time.sleep(0.001)
channel.send(got)
"""
    with Controller(interpreter) as worker:
        channel = worker.execute(source)
        number = worker.get(channel)[1]
        worker.put(number, 0)
        worker.put(channel, "go")
        assert "receiver callback" in worker.get(channel)
        for index in range(1, 50):
            worker.put(number, index)
        worker.send(CLOSE, number)
        assert worker.get(channel) == [*range(50), "end"]


def test_a_callback_that_fails_closes_its_channel_with_the_traceback(worker: Controller) -> None:
    channel = worker.execute(
        "new = channel.gateway.newchannel()\n"
        "new.setcallback(lambda item: 1 / item)\n"
        "channel.send(new)\n"
        "channel.receive()"
    )
    number = worker.get(channel)[1]
    worker.put(number, 0)
    assert "ZeroDivisionError" in worker.closed(number)


@every_python
def test_files_made_of_channels(interpreter: str) -> None:
    source = """
lines = channel.makefile("r")
channel.send([lines.readline(), lines.read(3), lines.readline(), lines.readline()])
print_to = channel.makefile("w")
print_to.write("written")
print_to.flush()
"""
    with Controller(interpreter) as worker:
        channel = worker.execute(source)
        for item in ("one\ntw", "o\nthr", "ee"):
            worker.put(channel, item)
        worker.send(LAST, channel)
        assert worker.get(channel) == ["one\n", "two", "\n", "three"]
        assert worker.get(channel) == "written"


@every_python
def test_what_cannot_be_sent_is_named_with_its_place(interpreter: str) -> None:
    source = """
import sys
class Strange(object): pass
loop = []
loop.append(loop)
for bad in (Strange(), [1, {"k": Strange()}], {("c", 2): (len,)}, Ellipsis, [StopIteration], loop,
            compile("1", "x", "exec")):
    try:
        channel.send(bad)
    except Exception as error:
        channel.send((type(error).__name__, str(error)))
"""
    with Controller(interpreter) as worker:
        channel = worker.execute(source)
        got = [worker.get(channel) for _ in range(7)]
        assert {kind for kind, _ in got} == {"DumpError"}
        assert "Strange" in got[0][1] and " at " not in got[0][1]
        assert got[1][1].endswith(" at [1]['k']")
        assert got[2][1].endswith(" at [('c', 2)][0]")
        assert "llipsis" in got[3][1]
        assert got[4][1].endswith(" at [0]")
        assert "contains itself" in got[5][1]
        assert "code" in got[6][1]


@every_python
def test_long_messages_come_in_pieces_and_whole(interpreter: str) -> None:
    if "jython" in interpreter:
        sizes = [131071, 300_000]
    else:
        sizes = [131066, 131067, 131068, 131072, 1_000_000, 20_000_000]
    with Controller(interpreter) as worker:
        worker.py2str_as_py3str = False
        channel = worker.execute(ECHO)
        for size in sizes:
            data = os.urandom(1000) * (size // 1000) + bytes(size % 1000)
            worker.put(channel, data)
            assert worker.get(channel) == data
            worker.put(channel, ["x" * size])
            assert worker.get(channel) == ["x" * size]


@every_python
def test_two_ends_that_both_send_a_lot_never_wait_for_each_other(interpreter: str) -> None:
    count = 20 if "jython" in interpreter else 200
    source = f"""
for _ in range({count}):
    channel.send(b"x" * 50000)
channel.send(sum([len(channel.receive()) for _ in range({count})]))
"""
    with Controller(interpreter) as worker:
        channel = worker.execute(source)
        for _ in range(count):
            worker.put(channel, b"y" * 50000)
        for _ in range(count):
            assert len(worker.get(channel)) == 50000
        assert worker.get(channel) == count * 50000


def test_a_callback_that_sends_does_not_stop_the_reading(worker: Controller) -> None:
    channel = worker.execute(
        "new = channel.gateway.newchannel()\n"
        "new.setcallback(new.send)\n"
        "channel.send(new)\n"
        "channel.receive()"
    )
    number = worker.get(channel)[1]
    for _ in range(100):
        worker.send(DATA, number, values.dumps(b"z" * 100_000)[0])
    assert all(len(worker.get(number)) == 100_000 for _ in range(100))


def test_threads_that_receive_at_once_each_get_theirs(worker: Controller) -> None:
    source = "for item in channel: channel.send((channel.id, item))"
    channels = [worker.execute(source) for _ in range(8)]
    for turn in range(200):
        for channel in channels:
            worker.put(channel, turn)
    for channel in channels:
        assert [worker.get(channel) for _ in range(200)] == [(channel, t) for t in range(200)]


def test_a_reader_that_comes_while_the_service_thread_reads_gets_its_item(
    worker: Controller,
) -> None:
    channel = worker.execute(
        "import time\n"
        "for pause in (0.1, 0, 0.03, 0.007, 0.1):\n"
        "    time.sleep(pause)\n"
        "    channel.send(channel.receive(5))\n"
    )
    for index in range(5):
        time.sleep(0.04 * (index % 2))
        worker.put(channel, index)
        assert worker.get(channel) == index


@pytest.mark.parametrize("interpreter", interpreters("2.7"))
def test_strings_of_python_2_follow_the_configuration(interpreter: str) -> None:
    with Controller(interpreter) as worker:
        channel = worker.execute("for item in channel: channel.send(type(item).__name__)")
        worker.put(channel, "text")
        assert worker.get(channel) == "unicode"
        worker.send(RECONFIGURE, channel, values.dumps((True, True))[0])
        worker.put(channel, "text")
        assert worker.get(channel) == "str"


def test_a_child_process_reports_its_end_on_the_channel(worker: Controller) -> None:
    channel = worker.execute(
        "import sys\n"
        "channel.spawn([sys.executable, '-c', 'raise SystemExit(7)']).wait()\n"
        "channel.receive()\n"
        "channel.spawn(['sleep', '60']).kill()\n"
        "channel.receive()"
    )
    assert worker.take(channel, EXIT) == 7
    worker.put(channel, 0)
    assert worker.take(channel, EXIT) == -signal.SIGKILL


def test_pings_are_answered_while_code_runs(worker: Controller) -> None:
    worker.execute("while True: pass")
    time.sleep(0.1)
    worker.send(PING, 0, b"are you there")
    assert worker.take(0, PONG) == b"are you there"


# --- ends ------------------------------------------------------------------------------------


@every_python
def test_the_end_of_the_stream_ends_waiting_code_with_eof(interpreter: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Controller(interpreter) as worker:
        channel = worker.execute(
            "channel.send(1)\n"
            "try:\n"
            "    channel.receive()\n"
            "except EOFError:\n"
            f"    open({str(out)!r}, 'w').write('eof')\n"
        )
        assert worker.get(channel) == 1
        assert worker.process.stdin
        worker.process.stdin.close()
        worker.process.wait(20)
        assert out.read_text() == "eof"


@pytest.mark.parametrize("interpreter", interpreters("2.7", "3.6", "3.13", "pypy3"))
@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(600)"])
def test_no_orphan_stays_when_the_controller_is_gone(interpreter: str, code: str) -> None:
    with Controller(interpreter) as worker:
        channel = worker.execute(f"channel.send(1)\n{code}")
        assert worker.get(channel) == 1
        started = time.monotonic()
        assert worker.process.stdin
        worker.process.stdin.close()
        assert worker.process.wait(15) == 1
        assert 4 < time.monotonic() - started < 8


def test_terminate_ends_busy_code_in_time_and_says_exit() -> None:
    with Controller(sys.executable) as worker:
        channel = worker.execute("channel.send(1)\nwhile True: pass")
        assert worker.get(channel) == 1
        assert worker.terminate(15) == 1


def test_atexit_runs_and_threads_of_the_program_do_not_hold_the_end(tmp_path: Path) -> None:
    with Controller(sys.executable) as worker:
        channel = worker.execute(
            "import atexit, threading, time\n"
            "threading.Thread(target=time.sleep, args=(600,)).start()\n"
            f"atexit.register(lambda: open({str(tmp_path / 'x')!r}, 'w').close())\n"
        )
        assert worker.closed(channel) == ""
        started = time.monotonic()
        worker.send(TERMINATE, 0)
        assert worker.take(0, EXIT) == 0
        worker.process.wait(15)
        assert time.monotonic() - started < 8


def test_a_broken_header_ends_the_link_with_the_reason(worker: Controller) -> None:
    worker.sent += 5
    worker.send(PING, 0)
    assert "packet 7 came as number 2" in worker.closed(0)
    with pytest.raises(Gone):
        while True:
            worker.next(0)


def test_an_id_is_not_used_twice(worker: Controller) -> None:
    channel = worker.execute("pass")
    worker.closed(channel)
    worker.send(EXEC, channel, values.dumps(("pass", None, None, {}))[0])
    assert "in use" in worker.closed(0)


def test_data_for_a_closed_channel_is_dropped(worker: Controller) -> None:
    channel = worker.execute("pass")
    worker.closed(channel)
    worker.put(channel, 1)
    worker.send(DATA, channel, b"i", MORE)
    assert worker.get(worker.execute("channel.send(2)")) == 2
