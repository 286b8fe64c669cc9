"""Which thread of a worker runs what is sent to it."""

from __future__ import annotations

import subprocess

import pytest
from controller import Controller, engine_of
from interpreters import interpreters


@pytest.mark.parametrize("native", [False, True], ids=["pure", "native"])
@pytest.mark.parametrize("interpreter", interpreters())
def test_what_comes_as_the_main_thread_leaves_does_not_wait_for_each_other(
    interpreter: str, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Controller, "native", native)
    if native and engine_of(interpreter) is None:
        pytest.skip("there is no engine for it")
    if "jython" in interpreter:
        pytest.skip("Jython collects when it likes")
    with Controller(interpreter) as worker:
        first = worker.execute(
            "import functools, time\n"
            "end = staticmethod(functools.partial(time.sleep, 1))\n"
            "slow = type('Slow', (object,), {'__del__': end})()"
        )
        assert worker.closed(first) == ""  # its main thread is still busy with its end
        blocked = worker.execute("channel.send(channel.receive())")
        other = worker.execute("channel.send(channel.receive())")
        worker.put(other, 1)
        assert worker.get(other, 20) == 1
        worker.put(blocked, 2)
        assert worker.get(blocked, 20) == 2


WHO = """
import _thread, sys, os
def tell(channel):
    import threading
    main, current = threading.main_thread(), threading.current_thread()
    channel.send((main.name, main.ident, getattr(main, "native_id", 0), os.getpid(),
                  current.name, current.ident == _thread.get_ident(), main in threading.enumerate(),
                  main.is_alive()))
"""


@pytest.mark.parametrize("native", [False, True], ids=["pure", "native"])
@pytest.mark.parametrize("interpreter", interpreters(*(f"3.{minor}" for minor in range(9, 16))))
def test_the_main_thread_is_threadings_main_thread_whoever_imports_it(
    interpreter: str, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Controller, "native", native)
    if native and engine_of(interpreter) is None:
        pytest.skip("there is no engine for it")
    with Controller(interpreter, stderr=-1) as worker:
        first = worker.execute(
            WHO + "channel.send(('threading' in sys.modules, _thread.get_ident()))\n"
            "channel.receive()\ntell(channel)\n"
        )
        imported, main = worker.get(first)
        ask = "import sys; sys.exit('threading' in sys.modules)"
        if subprocess.run([interpreter, "-c", ask]).returncode == 0:  # no .pth file does
            assert imported is not native, "not before it is needed"
        second = worker.execute(WHO + "tell(channel)\nimport time; time.sleep(0.1)")
        name, ident, native_id, pid, current, right, listed, alive = worker.get(second)
        assert (name, ident, right, listed, alive) == ("MainThread", main, True, True, True)
        assert native_id == pid and current == "gw0-worker"
        assert worker.closed(second) == ""
        worker.put(first, None)
        later = (name, ident, native_id, pid, "MainThread", True, True, True)
        assert worker.get(first) == later
        third = worker.execute(
            "import threading\nt = threading.Thread(target=channel.send, args=(1,))\nt.start()\n"
            "t.join()\nassert threading._main_thread is threading.main_thread()\n"
        )
        assert worker.get(third) == 1 and worker.closed(third) == ""
        worker.terminate()
        assert worker.process.stderr is not None and worker.process.stderr.read() == b""
