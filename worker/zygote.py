"""A zygote: all that a worker does before its first word is done once, and forked (spec/zygote.md).

Sent to zygotes alone, to be executed in the worker's module. What a program could tell from a
fresh start is not forked: the zygote refuses, and says why.
"""

import os
import sys
import threading

from worker.facts import extension_tag
from worker.native import keep_extension
from worker.streams import write_some


def wait_as_zygote(marker, place):
    """Returns in the workers only, each with streams and an environment of its own. `place`: where
    the engine is, with {tag} for what it depends on."""
    write_some(1, marker)
    sign, report = "x", b""
    try:
        engine = keep_extension(os.fsdecode(place).replace("{tag}", extension_tag()))
        why = why_not()
        foreign = has_foreign_modules()
        sign, report = ("c" if foreign else "p"), b"\0".join(files_of_the_start())
        if why:
            sign, report = "x", why.encode("ascii")
        else:
            freeze()
        block = engine.serve_forks(sign, report)
    except Exception:  # an interpreter without an engine, or without what this file asks
        os._exit(1)
    os.environ._data.clear()  # posix.environ, too, is this dict
    for entry in block.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals and name:
            os.environ._data.setdefault(name, value)
    thread = threading.main_thread()
    if hasattr(thread, "_set_native_id"):  # not seen to by all Pythons that fork
        thread._set_native_id()


def freeze():
    """What is here now is not touched by the collections of workers, and so stays shared."""
    known = "gc" in sys.modules
    import gc

    gc.collect()
    gc.freeze()
    if not known:
        del sys.modules["gc"]


def why_not():
    """What has been set up here that a fork would not have as a fresh interpreter has; None."""
    import atexit

    with open("/proc/self/environ", "rb") as file:
        given = set(entry for entry in file.read().split(b"\0") if entry)
    if given != set(name + b"=" + value for name, value in os.environ._data.items()):
        return "the environment is changed as it starts"
    if len(os.listdir("/proc/self/task")) > 1:
        return "it has more than one thread"
    if len(os.listdir("/proc/self/fd")) > 4:  # 0, 1, 2, and that of this list
        return "it has open files"
    if atexit._ncallbacks() > 0:
        return "functions of its start are to be called at its end"
    monitoring = getattr(sys, "monitoring", None)
    if sys.gettrace() or sys.getprofile() or monitoring and any(map(monitoring.get_tool, range(6))):
        return "it is traced"
    if sys._xoptions or sys.flags.inspect or sys.flags.interactive or sys.flags.dev_mode:
        return "it has options that are not for a fork"
    return None


def has_foreign_modules():
    """Whether code that is not Python's own ran at the start: it may look at any variable."""
    own = os.path.dirname(os.__file__) + os.sep
    for module in list(sys.modules.values()):
        place = getattr(getattr(module, "__spec__", None), "origin", None)
        if place in (None, "built-in", "frozen"):
            continue
        if not place.startswith(own) or "-packages" in place:
            return True
    return False


def files_of_the_start():
    """Those that decide how this interpreter begins: the program, and what `site` reads."""
    found = [sys.executable, os.path.realpath(sys.executable)]
    found += [
        prefix + "/pyvenv.cfg" for prefix in set([sys.prefix, os.path.dirname(sys.executable)])
    ]
    site = sys.modules.get("site")
    folders = sys.path + [getattr(site, "USER_SITE", None)]
    for folder in filter(None, folders):
        found += [folder + "/sitecustomize.py", folder + "/usercustomize.py"]
        if folder.endswith("-packages"):
            names = os.listdir(folder) if os.path.isdir(folder) else []
            found.append(folder)
            found += [folder + "/" + name for name in sorted(names) if name.endswith(".pth")]
    return [os.fsencode(path) for path in found]
