"""elsewhere.compat.execnet: the names that execnet's users import, beyond elsewhere's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import run_case

BEGIN = "from elsewhere.compat import install\ninstall('execnet')\nimport execnet\n"

CASES = {
    "it_is_importable_as_execnet_with_its_modules": """
        import elsewhere.compat.execnet as ours
        import execnet.gateway_base, execnet.rsync, execnet.xspec
        from execnet.gateway import Gateway
        from execnet.gateway_io import popen_args, ssh_args, vagrant_ssh_args
        from execnet.multi import Group, safe_terminate
        assert execnet is ours and execnet.gateway_base is ours.gateway_base
        for name in execnet.__all__:
            getattr(execnet, name)
        gateway = execnet.makegateway()
        assert isinstance(gateway, Gateway) and isinstance(execnet.default_group, Group)
        channel = gateway.remote_exec("channel.send(1)")
        assert isinstance(channel, execnet.Channel) and channel.receive() == 1
        try:
            install("no such")
        except ValueError as error:
            assert "no such" in str(error)
        else:
            raise AssertionError
    """,
    "dumps_writes_and_reads_execnets_format": """
        import io
        known = [
            (1, "46 00000001"), (-1, "46 ffffffff"), (None, "4c"), (True, "52"), (False, "43"),
            (2.5, "44 4004000000000000"), (1j, "54" + "00" * 8 + "3ff0000000000000"),
            ("\u00e4", "4e 00000002 c3a4"), (b"x", "41 00000001 78"),
            (2**31, "48 0000000a 32313437343833363438"),
            ((), "40 00000000"), ((1, "a"), "46 00000001 4e 00000001 61 40 00000002"),
            ([None], "4b 00000001 46 00000000 4c 50"), ({1: None}, "4a 46 00000001 4c 50"),
            ({1}, "46 00000001 4f 00000001"), (frozenset(), "45 00000000"),
        ]
        for value, bytes_ in known:
            data = bytes.fromhex("02" + bytes_ + "51")
            assert execnet.dumps(value) == data, (value, execnet.dumps(value).hex())
            back = execnet.loads(data)
            assert back == value and type(back) is type(value)
        values = [[1, [2, {"k": (3, {4}, frozenset([5]))}]], -(2**31) - 1, 2**100, {}, [], [[]] * 3]
        for value in values:
            assert execnet.loads(execnet.dumps(value)) == value
        file = io.BytesIO()
        for value in values:
            execnet.dump(file, value)
        file.seek(0)
        assert [execnet.load(file) for _ in values] == values
        try:
            execnet.load(file)
        except EOFError:
            pass
        else:
            raise AssertionError
        assert execnet.loads(b"\\2M\\0\\0\\0\\1aQ") == b"a"
        assert execnet.loads(b"\\2M\\0\\0\\0\\1aQ", py2str_as_py3str=True) == "a"
    """,
    "what_is_no_value_is_a_DataFormatError": """
        import random
        for bad in (object(), [object()], "\\ud800", type, (x := [])):
            if bad is x:
                x.append(x)
            try:
                execnet.dumps(bad)
            except execnet.DumpError as error:
                assert isinstance(error, execnet.DataFormatError)
            else:
                raise AssertionError(bad)
        good = execnet.dumps([1, {"k": (3, {4}, b"bytes", 2**70)}, None])
        chance = random.Random(1)
        for _ in range(3000):
            bad = bytearray(good)
            for _ in range(chance.randint(1, 3)):
                bad[chance.randrange(len(bad))] = chance.randrange(256)
            try:
                execnet.loads(bytes(bad[: chance.randint(1, len(bad))]))
            except (execnet.DataFormatError, EOFError):
                pass
    """,
    "specs_may_have_unknown_keys": """
        gateway = execnet.makegateway("popen//mine=1//other")
        assert gateway.spec.mine == "1" and gateway.spec.other is True
        assert not hasattr(gateway.spec, "_mine")
        for spec in ("mine=1", "not-existing-type"):
            try:
                execnet.makegateway(spec)
            except ValueError:
                continue
            raise AssertionError
    """,
    "what_code_there_prints_goes_nowhere_and_it_can_import_execnet": """
        channel = execnet.makegateway().remote_exec('''
        import os
        print("lost")
        os.system("echo lost")
        import execnet
        channel.send(execnet.loads(execnet.dumps(5)))
        ''')
        assert channel.receive() == 5
    """,
    "messages_and_pools_are_there_for_who_uses_them": """
        import io
        from execnet.gateway_base import Message, Popen2IO, WorkerPool, get_execmodel
        model = get_execmodel("thread")
        file = io.BytesIO()
        Message(Message.CHANNEL_DATA, 7, b"data").to_io(Popen2IO(file, file, model))
        assert file.getvalue() == b"\\4\\0\\0\\0\\7\\0\\0\\0\\4data"
        file.seek(0)
        message = Message.from_io(Popen2IO(file, file, model))
        assert (message.msgcode, message.channelid, message.data) == (4, 7, b"data")
        pool = WorkerPool(model)
        assert pool.spawn(lambda: 42).get(10) == 42
        failed = pool.spawn(lambda: 1 / 0)
        failed.waitfinish(10)
        try:
            failed.get(10)
        except ZeroDivisionError:
            pass
        else:
            raise AssertionError
        gate = model.Event()
        waiting = pool.spawn(gate.wait)
        assert not pool.waitall(0.05) and pool.active_count() == 1 and waiting.running
        pool.trigger_shutdown()
        gate.set()
        assert pool.terminate(10)
        killed = []
        execnet.multi.safe_terminate(model, 0.1, [(gate.wait, killed.append)])
        stuck = model.Event()
        pair = (lambda: stuck.wait(1), lambda: killed.append(1))
        execnet.multi.safe_terminate(model, 0.1, [pair])
        assert killed == [1]
    """,
}


@pytest.mark.parametrize("case", CASES)
def test_execnet(python, package_parent, case, tmp_path: Path) -> None:
    body = "\n".join(line[8:] for line in CASES[case].strip("\n").splitlines())
    ended = run_case(python.executable, package_parent, BEGIN + body, tmp_path)
    assert not ended.stderr and ended.stdout == "held\n"
