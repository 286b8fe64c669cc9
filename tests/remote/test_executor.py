"""gateway.call, gateway.submit, elsewhere.Executor: functions called somewhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_cases import run_case

BEGIN = """
import math, os, sys, time
from concurrent.futures import BrokenExecutor, CancelledError, TimeoutError, wait
FACTOR = 3

class Pair:
    def __init__(self, a, b): self.a, self.b = a, b
    def __eq__(self, other): return vars(self) == vars(other)
    def sum(self): return self.a + self.b
    def swapped(self): return Pair(self.b, self.a)

class Mine(Exception): pass

def factorial(n): return 1 if n < 2 else n * factorial(n - 1)
def scaled(x): return math.sqrt(x) * FACTOR
def fail(error): raise error
def adder(n):
    def add(x, *, y=0): return x + n + y
    return add

def raises(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(kind)
"""

CASES = {
    "functions_of_the_program_are_called_with_what_they_need": """
        with elsewhere.Executor(["popen"]) as executor:
            assert executor.submit(factorial, 10).result(20) == 3628800
            assert executor.submit(scaled, 16).result(20) == 12
            assert executor.submit(adder(2), 3, y=4).result(20) == 9
            assert executor.submit(lambda a, *b: (a, b), 1, 2).result(20) == (1, (2,))
            assert executor.submit(Pair(1, 2).sum).result(20) == 3
            assert executor.submit(Pair(1, 2).swapped).result(20) == Pair(2, 1)
            assert executor.submit(os.getpid).result(20) != os.getpid()
    """,
    "exceptions_come_back_with_the_remote_traceback": """
        with elsewhere.Executor(["popen"]) as executor:
            error = raises(Mine, executor.submit(fail, Mine("m", 1)).result, 20)
            assert error.args == ("m", 1)
            assert isinstance(error.__cause__, elsewhere.RemoteError)
            assert "in fail" in str(error.__cause__)
            assert executor.submit(fail, ValueError("v")).exception(20).args == ("v",)
            raises(SystemExit, executor.submit(sys.exit, 3).result, 20)
            import threading
            raises(TypeError, executor.submit(len, threading.Lock()).result, 20)
            assert executor.submit(factorial, 3).result(20) == 6
    """,
    "map_keeps_the_order_in_chunks_or_not": """
        with elsewhere.Executor(["popen"] * 2) as executor:
            for size in (1, 3, 100):
                assert list(executor.map(pow, range(10), [2] * 10, chunksize=size)) == [
                    n * n for n in range(10)]
            raises(ValueError, executor.map, pow, [1], [1], chunksize=0)
            results = executor.map(fail, [Mine("late")])
            raises(Mine, next, results)
            raises(TimeoutError, next, executor.map(time.sleep, [2], timeout=0.05))
    """,
    "each_interpreter_makes_one_call_at_a_time_and_waiting_calls_can_be_cancelled": """
        with elsewhere.Executor(["popen"] * 2) as executor:
            futures = [executor.submit(time.sleep, 0.4) for _ in range(3)]
            futures.append(executor.submit(os.getpid))
            assert futures[0].running() and not futures[0].cancel()
            assert futures[2].cancel() and futures[3].cancel()
            raises(CancelledError, futures[3].result)
            assert wait(futures, 20).not_done == set()
        raises(RuntimeError, executor.submit, os.getpid)
        executor = elsewhere.Executor(["popen"])
        slow, waiting = executor.submit(time.sleep, 0.3), executor.submit(os.getpid)
        executor.shutdown(cancel_futures=True)
        assert slow.done() and waiting.cancelled()
    """,
    "a_lost_interpreter_fails_its_call_and_the_others_go_on": """
        with elsewhere.Executor(["popen"] * 2) as executor:
            error = raises(BrokenExecutor, executor.submit(os._exit, 3).result, 20)
            assert isinstance(error, ConnectionError)
            assert [executor.submit(factorial, n).result(20) for n in range(4)] == [1, 1, 2, 6]
            def leave():
                time.sleep(0.5)
                os._exit(3)
            waiting = [executor.submit(leave)] + [
                executor.submit(factorial, 5) for _ in range(3)]
            for future in waiting:
                raises(BrokenExecutor, future.result, 20)
            raises(BrokenExecutor, executor.submit, factorial, 5)
    """,
    "other_pythons_call_functions_too": """
        with elsewhere.Executor(["popen//python=2.7", "popen//python=3.8"]) as executor:
            assert list(executor.map(factorial, range(6))) == [1, 1, 2, 6, 24, 120]
            assert list(executor.map(scaled, [1, 4, 9])) == [3, 6, 9]
            raises(ZeroDivisionError, executor.submit(fail, ZeroDivisionError()).result, 20)
            error = raises(Exception, executor.submit(adder(1), 1).result, 20)
            assert "adder" in str(error) and "closure" in str(error)
    """,
    "trust_values_takes_no_pickles_back": """
        gateway = elsewhere.makegateway("popen//trust=values")
        assert gateway.call(factorial, 5) == 120
        assert "Pair" in str(raises(elsewhere.RemoteError, gateway.call, Pair, 1, 2))
        assert "Mine" in str(raises(elsewhere.RemoteError, gateway.call, fail, Mine()))
        assert gateway.call(factorial, 3) == 6
    """,
    "a_gateway_calls_and_submits": """
        gateway = elsewhere.makegateway()
        assert gateway.call(scaled, 4) == 6 and gateway.call(int, "ff", base=16) == 255
        futures = [gateway.submit(factorial, n) for n in range(5)]
        assert [future.result(20) for future in futures] == [1, 1, 2, 6, 24]
        raises(Mine, gateway.call, fail, Mine())
        with elsewhere.Executor([gateway, "popen"]) as executor:
            assert len(set(executor.map(lambda _: os.getpid(), range(20)))) == 2
        assert gateway.call(os.getpid) == gateway.facts["pid"]
        future = gateway.submit(time.sleep, 100)
        gateway.close(0.2)
        raises(BrokenExecutor, future.result, 20)
    """,
    "what_was_submitted_is_done_when_the_program_ends": """
        executor = elsewhere.Executor(["popen"])
        executor.submit(time.sleep, 0.5).add_done_callback(lambda _: print("held"))
        sys.stdout.flush()
    """,
}


@pytest.mark.parametrize("case", CASES)
def test_calls(python, package_parent, case, tmp_path: Path) -> None:
    body = "\n".join(line[8:] for line in CASES[case].strip("\n").splitlines())
    ended = run_case(python.executable, package_parent, BEGIN + body, tmp_path)
    assert not ended.stderr
    assert ended.stdout.count("held") == 1 + ("is_done_when" in case)
