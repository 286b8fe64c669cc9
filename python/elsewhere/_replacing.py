"""elsewhere.resume: this process becomes the suspended program."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import NoReturn

from elsewhere._elsewhere import read_header
from elsewhere.errors import Unsupported


def replace_by(path: str) -> NoReturn:
    """Execute the interpreter anew, as `elsewhere resume path` would.

    Raises:
        elsewhere.errors.Error: the snapshot cannot be resumed by this interpreter.
    """
    from elsewhere import _program

    header = read_header(path)
    if header["python_tag"] != _program.tag():
        raise Unsupported(
            f"{path} was written by Python {header['python_version']} ({header['python_tag']}), "
            f"this is {_program.tag()}",
            "resume it with `elsewhere resume`, which finds the fitting interpreter",
        )
    seed = header["hash_seed"]
    path = os.path.abspath(path)
    told = {
        "mode": "resume",
        "target": _program.target_of(header["target"]),
        "program": header["program"],
        "arguments": header["arguments"],
        "snapshot": None,
        "default_snapshot_dir": os.path.expanduser("~/.local/state/elsewhere"),
        "file": path,
        "clone": False,
        "grace": 10.0,
        "hash_seed": seed,
        "original_hash_seed": os.environ.get("PYTHONHASHSEED"),
        "original_signal_mask": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))),
        "interpreter_arguments": header["interpreter_arguments"],
    }
    environment = {**os.environ, "ELSEWHERE_RUN": json.dumps(told, ensure_ascii=False)}
    if seed is not None:
        environment["PYTHONHASHSEED"] = str(seed)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    boot = os.path.join(os.path.dirname(__file__), "_boot.py")
    os.execve(
        sys.executable,
        [sys.executable, *header["interpreter_arguments"], boot],
        environment,
    )
