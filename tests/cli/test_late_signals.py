"""A signal at the one instant of a program's end at which CPython would lose its handler."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess

import pytest

TRACEME, PEEK, GET_REGISTERS, SET_REGISTERS, TO_SYSCALL, SET_OPTIONS = 0, 2, 12, 13, 24, 0x4200
# Of the 27 words of the registers of x86-64: the result, the arguments, the number, the place.
RAX, RSI, RDI, ORIG_RAX, RIP = 10, 13, 14, 15, 16
SIGACTION = 13  # the system call
IGNORE = 1  # SIG_IGN

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="reads its registers")


def ptrace(what, pid, address=0, data=0):
    ctypes.set_errno(0)
    result = libc.ptrace(what, pid, address, data)
    if result == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace {what}")
    return result


def signalled(pid, number):
    """Lets a traced process run to its end; the signal comes right before it is to be ignored."""
    registers = (ctypes.c_ulonglong * 27)()
    here = ctypes.addressof(registers)
    status = os.waitpid(pid, 0)[1]
    ptrace(SET_OPTIONS, pid, 0, 1)  # tells calls from signals
    passed_on, entering, sent = 0, False, False
    while True:
        ptrace(TO_SYSCALL, pid, 0, passed_on)
        status = os.waitpid(pid, 0)[1]
        if not os.WIFSTOPPED(status):
            assert sent
            return os.waitstatus_to_exitcode(status)
        stopped_by = os.WSTOPSIG(status)
        passed_on = 0 if stopped_by & 0x7F == signal.SIGTRAP else stopped_by
        if stopped_by != signal.SIGTRAP | 0x80:
            continue
        entering = not entering
        ptrace(GET_REGISTERS, pid, 0, here)
        called = (registers[ORIG_RAX], registers[RDI]) == (SIGACTION, number)
        if sent or not entering or not called or not registers[RSI]:
            continue
        if ptrace(PEEK, pid, registers[RSI]) != IGNORE:
            continue
        # This call is not made, but anew behind the signal's handler.
        registers[ORIG_RAX] = 2**64 - 1
        ptrace(SET_REGISTERS, pid, 0, here)
        ptrace(TO_SYSCALL, pid)
        os.waitpid(pid, 0)
        entering = False
        registers[RAX] = SIGACTION
        registers[RIP] -= 2
        ptrace(SET_REGISTERS, pid, 0, here)
        os.kill(pid, number)
        sent = True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_as_a_program_ends_finds_no_handler_gone(number, command, python, tmp_path, capfd):
    program = tmp_path / "ends.py"
    program.write_text("print('done')\n")
    words = [command, "run", "--python", python.executable, str(program)]
    try:
        process = subprocess.Popen(words, preexec_fn=lambda: ptrace(TRACEME, 0))
    except subprocess.SubprocessError:
        pytest.skip("no process may be traced here")
    try:
        process.returncode = signalled(process.pid, number)
    finally:
        process.kill()
    assert (process.returncode, *capfd.readouterr()) == (0, "done\n", "")
