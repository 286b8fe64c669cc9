"""The SSH server that tests of remote interpreters share; conftest.py offers it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest


def load_sshd() -> ModuleType:
    found = importlib.util.spec_from_file_location("sshd", Path(__file__).parent / "remote/sshd.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Sshd:
    """A running server: `ssh=far//ssh_config={config}` reaches it."""

    directory: Path

    @property
    def config(self) -> Path:
        return self.directory / "ssh_config"

    @property
    def reused(self) -> Path:
        """As `config`, but connections share one."""
        return self.directory / "ssh_config_reused"

    def spec(self, host: str = "far", *modifiers: str) -> str:
        return "//".join([f"ssh={host}", f"ssh_config={self.config}", *modifiers])


def fetched_pythons() -> dict[str, str]:
    """The server's environment: what tools/get_pythons has fetched is on its PATH."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    place = os.environ.get("ELSEWHERE_PYTHONS_DIR") or f"{cache}/elsewhere-pythons"
    if not os.path.isdir(f"{place}/bin"):
        return {}
    return {"PATH": f"/usr/local/bin:/usr/bin:/bin:/usr/games:{place}/bin"}


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = load_sshd()
    directory = tmp_path_factory.mktemp("sshd")
    try:
        server.start(directory, fetched_pythons())
    except server.Missing as missing:
        pytest.skip(str(missing))
    try:
        yield Sshd(directory)
    finally:
        server.stop(directory)
