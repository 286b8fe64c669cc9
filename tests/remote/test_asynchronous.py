"""Channels and gateways in asyncio."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import run_case

BEGIN = """
import asyncio, os, signal, threading, time
ECHO = "for item in channel: channel.send(item)"
"""

CASES = {
    "an_item_is_awaited_and_iteration_ends": """
        async def main():
            async with elsewhere.makegateway() as gateway:
                async with gateway.remote_exec(ECHO) as channel:
                    for item in (1, b"x" * 3_000_000, "text"):
                        channel.send(item)
                        assert await channel.areceive() == item
                assert channel.isclosed()
                many = gateway.remote_exec("for i in range(1000): channel.send(i)")
                assert [item async for item in many] == list(range(1000))
            assert not gateway.hasreceiver()
        asyncio.run(main())
    """,
    "many_channels_wait_in_one_thread_of_the_gateway": """
        async def ask(gateway, number):
            channel = gateway.remote_exec(
                "import time; time.sleep(channel.receive()); channel.send(1)")
            channel.send(0.3)
            assert await channel.areceive() == 1
            await channel.awaitclose(20)
        async def main():
            with elsewhere.makegateway() as gateway:
                begun = time.monotonic()
                tasks = [asyncio.ensure_future(ask(gateway, n)) for n in range(30)]
                await asyncio.sleep(0.1)
                assert threading.active_count() == 2
                await asyncio.gather(*tasks)
                assert time.monotonic() - begun < 5
        asyncio.run(main())
    """,
    "the_loop_goes_on_while_nothing_comes_and_waits_have_a_limit": """
        async def main():
            channel = elsewhere.makegateway().remote_exec(ECHO)
            for wait in (channel.areceive, channel.awaitclose):
                try:
                    await wait(timeout=0.1)
                except elsewhere.TimeoutError:
                    pass
                else:
                    raise AssertionError
            task = asyncio.ensure_future(channel.areceive())
            await asyncio.sleep(0.05)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            channel.send(5)
            assert await channel.areceive(20) == 5
            channel.send(6)
            assert channel.receive(20) == 6
        asyncio.run(main())
    """,
    "errors_and_ends_are_those_of_receive": """
        async def expect(kind, awaited):
            try:
                await awaited
            except kind as error:
                return error
            raise AssertionError(kind)
        async def main():
            gateway = elsewhere.makegateway()
            channel = gateway.remote_exec("channel.send(1); 1 / 0")
            assert await channel.areceive() == 1
            assert "ZeroDivision" in str(await expect(elsewhere.RemoteError, channel.areceive()))
            await expect(EOFError, channel.areceive())
            await expect(
                elsewhere.RemoteError, gateway.remote_exec("1 / 0").awaitclose(20))
            channel = gateway.remote_exec("channel.send(1); channel.receive()")
            await channel.areceive()
            waiting = asyncio.ensure_future(channel.areceive())
            await asyncio.sleep(0.05)
            os.kill(gateway.facts["pid"], signal.SIGKILL)
            await expect(EOFError, waiting)
            await expect(EOFError, channel.areceive())
            called = elsewhere.makegateway().remote_exec("pass")
            called.setcallback(print)
            await expect(OSError, called.areceive())
        asyncio.run(main())
    """,
}


@pytest.mark.parametrize("case", CASES)
def test_async(python, package_parent, case, tmp_path: Path) -> None:
    body = "\n".join(line[8:] for line in CASES[case].strip("\n").splitlines())
    ended = run_case(python.executable, package_parent, BEGIN + body, tmp_path)
    assert not ended.stderr
