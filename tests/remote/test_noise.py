"""Random bytes on the way of a gateway, before, during and after the boot: an error in time."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import run_case

NOISY = Path(__file__).with_name("noisy_link.py")
# Bytes of that direction before which they come.
PLACES = {
    "from": {"before the marker": 0, "in the marker": 7, "in the hello": 30, "later": 1200},
    "to": {"before the boot": 0, "in its head": 25, "in its blob": 3000, "later": 18000},
}
BODY = """
import os, sys, time
def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return file.read().split()
held = 0
for seed in range(4):
    begun = time.monotonic()
    spec = f"cmd={sys.executable} NOISY WAY AT {seed}//python={sys.executable}FAR"
    group = elsewhere.Group()
    try:
        gateway = group.makegateway(spec)
        channel = gateway.remote_exec("for item in channel: channel.send(item)")
        for number in range(50):
            channel.send((number, "x" * 500))
            assert channel.receive(20) == (number, "x" * 500)
        held += 1
    except (EOFError, OSError, elsewhere.errors.Error) as error:
        assert str(error), repr(error)
        assert not isinstance(error, elsewhere.TimeoutError), error
    group.terminate(5)
    assert time.monotonic() - begun < 30, time.monotonic() - begun
    assert not children()
assert held == (4 if WELL else 0), held
"""


@pytest.mark.parametrize("far", ["", "//engine=no"], ids=["native", "pure"])
@pytest.mark.parametrize("place", [(way, name) for way, at in PLACES.items() for name in at])
def test_noise(python, package_parent, place, far, tmp_path: Path) -> None:
    way, name = place
    body = BODY.replace("NOISY", str(NOISY)).replace("WAY", way).replace("FAR", far)
    body = body.replace("AT", str(PLACES[way][name]))
    # A login shell may say anything: that is no fault.
    body = body.replace("WELL", str(name == "before the marker"))
    run_case(python.executable, package_parent, body, tmp_path, timeout=110)
