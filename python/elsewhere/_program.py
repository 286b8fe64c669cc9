"""What this process runs, how it was started, and what `elsewhere suspend` asks of it."""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False  # importing typing would cost more than all else at a start
if TYPE_CHECKING:
    from typing import Any

# As `elsewhere run` said it; empty in a program that was started otherwise.
told: dict[str, Any] = {}
# The life of this program: its id, and how many snapshots were taken of it before.
life: dict[str, Any] = {"id": b"", "generation": 0}

_TARGETS = ("script", "module", "command", "none", "input")  # as a snapshot counts them


def remember(instructions: dict[str, Any]) -> None:
    """Take note of what the program was started with."""
    told.update(instructions)
    if instructions["target"] == "script":
        told["program"] = os.path.abspath(instructions["program"])
    told["directory"] = os.getcwd()
    told["pid"] = os.getpid()


def _hash_seed() -> int | None:
    if told:
        seed: int | None = told["hash_seed"]
        return seed
    fixed = os.environ.get("PYTHONHASHSEED", "")
    return int(fixed) if fixed.isdigit() else None


def _start() -> dict[str, Any]:
    """How a program that was not started by `elsewhere run` was started, as far as it shows."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    file = getattr(main, "__file__", None)
    start = {"arguments": [str(word) for word in sys.argv[1:]], "interpreter_arguments": []}
    if spec is not None:
        return {**start, "target": "module", "program": spec.name.removesuffix(".__main__")}
    if file is not None:
        return {**start, "target": "script", "program": os.path.abspath(file)}
    return {**start, "target": "none", "program": ""}


def header() -> dict[str, Any]:
    """The fields of a snapshot's header, as engine/snapshot/file.hpp names them."""
    from elsewhere import __version__

    start = told or _start()
    if not life["id"]:
        life["id"] = os.urandom(16)
    life["generation"] += 1
    return {
        "python_tag": tag(),
        "python_version": ".".join(map(str, sys.version_info[:3])),
        "executable": sys.executable,
        "interpreter_arguments": start["interpreter_arguments"],
        "creator": f"elsewhere {__version__}",
        "target": _TARGETS.index(start["target"]),
        "program": start["program"],
        "arguments": start["arguments"],
        "directory": told.get("directory", os.getcwd()),
        "hash_seed": _hash_seed(),
        "created": time.time_ns(),
        "generation": life["generation"] - 1,
        "id": life["id"],
    }


def tag() -> str:
    """The interpreter's ABI tag, e.g. "cpython-312-x86_64-linux-gnu"."""
    import _imp

    return str(_imp.extension_suffixes()[0]).split(".")[1]


def target_of(number: int) -> str:
    """The kind of program that a snapshot's header gives by number."""
    return _TARGETS[number]


def name() -> str:
    """For its snapshots."""
    start = told or _start()
    if start["target"] in ("command", "input"):
        return "command" if start["target"] == "command" else "stdin"
    return os.path.basename(start["program"]).removesuffix(".py") or "program"


def default_path() -> str:
    """Where a program without --snapshot is written to; its directory is made."""
    directory = told["default_snapshot_dir"]
    os.makedirs(directory, mode=0o700, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return os.path.join(directory, f"{name()}-{stamp}-{os.getpid()}.snap")


def _exchange() -> str:
    """The files through which `elsewhere suspend` talks to this process, without their suffix."""
    runtime = told["runtime_dir"]
    directory = f"{runtime}/elsewhere" if runtime else f"/tmp/elsewhere-{os.getuid()}"
    return f"{directory}/{os.getpid()}"


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def take_request() -> str | None:
    """The file that `elsewhere suspend` asks for, or None where there is no request."""
    path = _exchange() + ".request"
    try:
        with open(path, encoding="utf-8", opener=_open_no_link) as file:
            # Not before there is one: a tick of a timer may meet the program in the middle of an
            # import, in which another one fails up to Python 3.11.
            import json

            # Of the file that is read: in /tmp the folder may be somebody else's.
            if os.fstat(file.fileno()).st_uid not in (os.getuid(), 0):
                return None
            request = json.load(file)
        os.unlink(path)
    except FileNotFoundError:
        return _place_after_a_lost_link()
    except OSError as error:
        import errno

        if error.errno == errno.ELOOP:  # no link of ours
            return None
        raise
    life["check"] = bool(request.get("check"))
    life["asked"] = request.get("file") or told.get("snapshot") or default_path()
    asked: str = life["asked"]
    return asked


def check_is_asked() -> bool:
    """Is the request that was taken one of `elsewhere check`?"""
    return bool(life.pop("check", False))


def _place_after_a_lost_link() -> str | None:
    """Where a program that has moved here is to go when its origin is out of reach."""
    arrival = sys.modules.get("elsewhere._travel.arrival")
    if arrival is None or not arrival.path:
        return None
    life["asked"] = None
    path: str = arrival.place_after_a_lost_link()
    return path


def answer(error: str = "", hint: str = "", exit_code: int = 75) -> None:
    """Tell the asker how it went: written, or why not."""
    if life["asked"] is None:  # nobody listens; what is written here is kept beside the snapshot
        if error:
            os.write(2, f"error: {error}\nhint: {hint}\n".encode())
        return
    _answer(
        {
            "ok": not error,
            "file": life["asked"],
            "error": error,
            "hint": hint,
            "exit_code": exit_code,
        }
    )


def answer_check(problems: list[tuple[str, str, str]]) -> None:
    """Tell the asker what stands in the way."""
    names = ("path", "reason", "hint")
    _answer({"ok": True, "problems": [dict(zip(names, problem)) for problem in problems]})


def _answer(answered: dict[str, Any]) -> None:
    import json

    path = _exchange() + ".answer"
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(answered, file)
    os.rename(path + ".new", path)


def completed() -> None:
    """The program has ended well: the snapshot it would have gone on from has served."""
    path = told.get("snapshot")
    if path and os.getpid() == told["pid"]:  # not in a forked child
        # contextlib is an import that nothing else at the end needs.
        try:  # noqa: SIM105
            os.unlink(path)
        except OSError:
            pass  # gone already, or not ours to remove: the program has ended all the same
