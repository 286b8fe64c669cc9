"""A zygote: all that a worker does before its first word is done once, and forked (spec/zygote.md).

Sent to zygotes alone, to be executed in the worker's module. What a program could tell from a
fresh start is not forked: the zygote refuses, and says why.
"""

import atexit
import os
import sys

from worker.execution import Execution
from worker.facts import describe_here, extension_tag
from worker.greeting import HEADER
from worker.link import Link
from worker.native import keep_extension, kept, native_link
from worker.streams import write_some
from worker.values import dumps


def wait_as_zygote(marker, place, given):
    """Returns in the workers only, each with streams and an environment of its own. `place`: where
    the engine is, with {tag} for what it depends on. `given`: the environment it was started with.
    """
    write_some(1, marker)
    sign, report = "x", b""
    try:
        threading, hooks = import_threading()
        engine = keep_extension(os.fsdecode(place).replace("{tag}", extension_tag()))
        came = environment_that_came()
        why = why_not(came)
        foreign = came != given or has_foreign_modules()
        sign, report = ("c" if foreign else "p"), b"\0".join(files_of_the_start())
        if why:
            sign, report = "x", why.encode("ascii")
        else:
            rehearse(engine)
            freeze()
        block = engine.serve_forks(sign, report, given)
    except Exception:  # an interpreter without an engine, or without what this file asks
        os._exit(1)
    # Each page that is written to is copied: what need not be done is left out.
    for hook in hooks:
        os.register_at_fork(**hook)
    if block is not None:
        os.environ._data.clear()  # posix.environ, too, is this dict
        for entry in block.split(b"\0"):
            name, equals, value = entry.partition(b"=")
            if equals and name:
                os.environ._data.setdefault(name, value)
    thread = threading.main_thread()
    if hasattr(thread, "_set_native_id"):  # not seen to by all Pythons that fork
        thread._set_native_id()


def import_threading():
    """The module, and what it has to be called after a fork: not after the zygote's own, for in a
    process with one thread that changes nothing, and it takes as long as half of all the rest."""
    hooks = []
    register = os.register_at_fork
    os.register_at_fork = lambda **hook: hooks.append(hook)
    try:
        import threading
    finally:
        os.register_at_fork = register
    return threading, hooks


def rehearse(engine):
    """What a worker does first is done once here, on pipes: what Python and the engine keep of it
    is then in pages that all workers share."""
    here, to_here = os.pipe()
    from_here, there = os.pipe()
    offer = {"tag": extension_tag(), "path": kept[0], "identity": kept[1]}
    hello = dumps({"id": "rehearsal", "execmodel": "thread", "engine": offer})[0]
    os.write(to_here, HEADER.pack(len(hello), 0, 0, 0, 0, 1) + hello)
    dumps(describe_here(b""))
    link = Link(here, there, b"")
    link.sent = 1
    execution = Execution(link)
    native_link(link, execution).end()
    atexit.unregister(engine.settle)
    os.close(to_here)
    os.close(from_here)


def freeze():
    """What is here now is not touched by the collections of workers, and so stays shared."""
    known = "gc" in sys.modules
    import gc

    gc.collect()
    gc.freeze()
    if not known:
        del sys.modules["gc"]


def environment_that_came():
    """Another than was given where the command is a script that runs Python."""
    with open("/proc/self/environ", "rb") as file:
        return file.read()


def why_not(came):
    """What has been set up here that a fork would not have as a fresh interpreter has; None."""
    came = set(entry for entry in came.split(b"\0") if entry)
    if came != set(name + b"=" + value for name, value in os.environ._data.items()):
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
    """Whether code that is not Python's own ran as it started: it may look at any variable."""
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
