"""Which thread of a worker runs what is sent to it."""

from __future__ import annotations

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
