"""A throw-away SSH server on a loopback port, with keys and a configuration of its own.

As a fixture: `sshd` in conftest.py. As a script: `python tests/remote/sshd.py start DIR` prints
the path of an ssh_config (for `ssh_config=` in a spec); `stop DIR` ends the server by its pid.
Nothing outside DIR is touched, but root's sshd needs an empty /run/sshd. No PAM, no password: the
one login is the user who starts it.

Hosts in the configuration:
    far, far2   a plain login
    noisy       one whose shell prints a line on stdout before it runs the command
    stranger    the same server under a name whose host key is not known
    changed     … and whose known host key is another one
    refused     a login with a key that the server does not know
    fish, tcsh, zsh, dash, … (every shell that is installed) run the command as that login shell
DIR/ssh_config_reused is the same, but connections share one (ControlMaster).
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHELLS = ("bash", "csh", "dash", "fish", "ksh", "tcsh", "zsh")


class Missing(RuntimeError):
    """OpenSSH is not installed here."""


def program(name: str) -> str:
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise Missing(f"{name} is not here (Debian: openssh-server, openssh-client)")
    return path


def make_key(file: Path) -> str:
    subprocess.run(
        [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", file.name, "-f", str(file)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    kind, key = file.with_suffix(".pub").read_text().split()[:2]
    return f"{kind} {key}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def logins() -> dict[str, str]:
    """Host alias -> what its key makes of the command; empty: the plain login."""
    commands = {"far": "", "noisy": 'echo "Welcome to noisy!"; exec sh -c "$SSH_ORIGINAL_COMMAND"'}
    for shell in SHELLS:
        if path := shutil.which(shell):
            commands[shell] = f'exec {path} -c "$SSH_ORIGINAL_COMMAND"'
    return commands


def write_server(directory: Path, port: int, environment: dict[str, str]) -> None:
    lines = []
    for alias, forced in logins().items():
        key = make_key(directory / f"key_{alias}")
        quoted = forced.replace('"', '\\"')
        lines.append(f'command="{quoted}" {key}' if forced else key)
    authorized = directory / "authorized_keys"
    authorized.write_text("".join(f"{line}\n" for line in lines))
    authorized.chmod(0o600)
    settings = [
        "ListenAddress 127.0.0.1",
        f"Port {port}",
        f"HostKey {directory}/host_key",
        f"PidFile {directory}/sshd.pid",
        f"AuthorizedKeysFile {authorized}",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
        "PermitUserEnvironment yes",
        "PrintMotd no",
        "MaxStartups 100:30:200",
        "MaxSessions 200",
        "LogLevel VERBOSE",
    ]
    if environment:
        words = " ".join(f'"{name}={value}"' for name, value in environment.items())
        settings.append(f"SetEnv {words}")
    (directory / "sshd_config").write_text("".join(f"{line}\n" for line in settings))


def write_client(directory: Path, port: int, host_key: str) -> None:
    other_key = make_key(directory / "other_host_key")
    make_key(directory / "key_refused")
    (directory / "known_hosts").write_text(f"known {host_key}\nchanged {other_key}\n")
    blocks = []
    for alias in [*logins(), "far2", "stranger", "changed", "refused"]:
        key = "far" if alias in ("far2", "stranger", "changed") else alias
        known = alias if alias in ("stranger", "changed") else "known"
        blocks.append(
            f"Host {alias}\n    HostKeyAlias {known}\n    IdentityFile {directory}/key_{key}\n"
        )
    common = (
        "Host *\n"
        f"    HostName 127.0.0.1\n    Port {port}\n    User {getpass.getuser()}\n"
        "    IdentitiesOnly yes\n    IdentityAgent none\n    StrictHostKeyChecking yes\n"
        f"    UserKnownHostsFile {directory}/known_hosts\n    GlobalKnownHostsFile /dev/null\n"
    )
    # A socket's path has at most 107 bytes, and ssh appends some of its own.
    control = tempfile.mkdtemp(prefix="ssh-")
    (directory / "control").symlink_to(control)
    reused = f"    ControlMaster auto\n    ControlPersist 600\n    ControlPath {control}/%n\n"
    (directory / "ssh_config").write_text("".join(blocks) + common)
    (directory / "ssh_config_reused").write_text("".join(blocks) + common + reused)


def is_up(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start(directory: Path, environment: dict[str, str] | None = None) -> Path:
    """Starts the server; answers the path of the client's configuration."""
    directory = directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    server = program("sshd")
    program("ssh")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    host_key = make_key(directory / "host_key")
    port = free_port()
    write_server(directory, port, environment or {})
    write_client(directory, port, host_key)
    log = directory / "sshd.log"
    process = subprocess.Popen(
        [server, "-D", "-f", str(directory / "sshd_config"), "-E", str(log)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    (directory / "pid").write_text(f"{process.pid}\n")
    deadline = time.monotonic() + 10
    while not is_up(port):
        if process.poll() is not None or time.monotonic() > deadline:
            stop(directory)
            raise RuntimeError(f"sshd did not start: {log.read_text() if log.exists() else ''}")
        time.sleep(0.02)
    return directory / "ssh_config"


def still_runs(pid: int) -> bool:
    # A child of ours is a zombie until it is waited for; another's is not ours to wait for.
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def stop(directory: Path) -> None:
    """Ends the server and the connections that are kept for reuse. Knows it by its pid."""
    directory = directory.absolute()
    control = directory / "control"
    for connection in control.iterdir() if control.exists() else ():
        subprocess.run(
            ["ssh", "-F", str(directory / "ssh_config_reused"), "-O", "exit", connection.name],
            stderr=subprocess.DEVNULL,
            check=False,
        )
    if control.is_symlink():
        shutil.rmtree(control.readlink(), ignore_errors=True)
        control.unlink()
    file = directory / "pid"
    if not file.exists():
        return
    pid = int(file.read_text())
    file.unlink()
    command = Path(f"/proc/{pid}/cmdline")
    if not command.exists() or str(directory).encode() not in command.read_bytes():
        still_runs(pid)
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + 5
        while still_runs(pid):
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        else:
            return


def main(words: list[str]) -> int:
    if len(words) != 2 or words[0] not in ("start", "stop"):
        print("usage: sshd.py start DIR | stop DIR", file=sys.stderr)
        return 2
    directory = Path(words[1])
    try:
        if words[0] == "start":
            print(start(directory))
        else:
            stop(directory)
    except Missing as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 78
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
