"""execnet.gateway_io: the command lines by which execnet would reach an interpreter.

elsewhere has its own (core/transport); these are for programs that start such processes themselves.
"""

from __future__ import annotations

import shlex
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from elsewhere._gateway.spec import XSpec

popen_bootstrapline = "import sys;exec(eval(sys.stdin.readline()))"


def shell_split_path(path: str) -> list[str]:
    """The words of a command, as a shell takes them."""
    return shlex.split(path)


def popen_args(spec: XSpec) -> list[str]:
    """For an interpreter here."""
    python = shell_split_path(spec.python) if spec.python else [sys.executable]
    no_bytecode = ["-B"] if spec.dont_write_bytecode else []
    return [*python, "-u", *no_bytecode, "-c", popen_bootstrapline]


def ssh_args(spec: XSpec) -> list[str]:
    """For one that ssh reaches."""
    return ["ssh", "-C", *_config(spec), *spec.ssh.split(), _remote_command(spec)]


def vagrant_ssh_args(spec: XSpec) -> list[str]:
    """For one in a virtual machine of vagrant."""
    way = ["vagrant", "ssh", spec.vagrant_ssh, "--", "-C"]
    return [*way, *_config(spec), _remote_command(spec)]


def _config(spec: XSpec) -> list[str]:
    return [] if spec.ssh_config is None else ["-F", str(spec.ssh_config)]


def _remote_command(spec: XSpec) -> str:
    return f'{spec.python or "python"} -c "{popen_bootstrapline}"'
