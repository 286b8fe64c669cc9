"""The link on the engine (`_elsewhere`), where the controller offers one that can be loaded here.

It takes the place of link.py's after the HELLOs, before there is a channel: what goes over is the
two fds, the bytes that were read too much, and how many packets there were. To programs all is as
with link.py, but faster.
"""

import atexit
import os
import sys
from _weakref import ref

from worker.ahead import bring_tools, tools
from worker.channel import NO_ENDMARKER_WANTED, AnyChannel
from worker.errors import RemoteError, as_text, error_text
from worker.execution import WorkerGateway
from worker.facts import extension_tag
from worker.link import ENGINE
from worker.mailbox import END, Mailbox, _thread, closed_gate, start_thread
from worker.values import DumpError, dumps, loads


def native_link(link, execution):
    """The engine's link in the place of this one, or this one."""
    while link.hello is None and not link.ended:
        link.pump()
    offer = (link.hello or {}).get("engine")
    if offer and offer["tag"] != extension_tag():
        link.send(ENGINE, 0, dumps(as_text("other"))[0])
        offer = loads(next_piece(link)).get("engine")
    if not offer:
        return link
    try:
        engine = load_engine(link, offer)
    except Exception:  # a libc that is too old, no place to keep it: the reason is for `doctor`
        link.send(ENGINE, 0, dumps(as_text(str(sys.exc_info()[1]) or "it was not loaded"))[0])
        return link
    if link.ended:
        return link
    link.send(ENGINE, 0, dumps(as_text(""))[0])
    return NativeLink(engine, link, execution)


def load_engine(link, offer):
    """The module, from the place where the controller has it or from what it sends."""
    path = offer.get("path")
    if path is not None:
        here = identity_of(path)
        if here != offer["identity"]:
            raise IOError("%s is another file there" % path)
        if kept[:2] == [path, here]:
            return kept[2]
        return load_extension(path)
    bring_tools(offer)
    descriptor = tools["open_cached"](offer["name"])
    if descriptor is None:
        link.send(ENGINE, 0, dumps(as_text("need"))[0])
        pieces = []
        while not pieces or pieces[-1]:
            pieces.append(next_piece(link))
        descriptor = tools["keep"](offer["name"], b"".join(pieces))
    # It stays open: a second library of the same name would be taken for this one.
    return load_extension("/proc/self/fd/%d" % descriptor)


def next_piece(link):
    while not link.engine:
        if link.ended:
            raise EOFError("the link ended")
        link.pump()
    return link.engine.pop(0)


kept = []  # in a worker that a zygote has forked: path, identity and module of an engine


def keep_extension(path):
    """Loads it before there is an offer."""
    kept[:] = [path, identity_of(path), load_extension(path)]
    return kept[2]


def identity_of(path):
    status = os.stat(path)
    return [status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size]


def load_extension(path):
    """Not in sys.modules: the program here may have an `elsewhere` of its own."""
    import _imp
    from _frozen_importlib import ModuleSpec

    # The link of it, no more: module.cpp.
    module = _imp.create_dynamic(ModuleSpec("worker._elsewhere", None, origin=path))
    _imp.exec_dynamic(module)
    if not hasattr(module, "Worker"):
        raise ImportError("%s is of another elsewhere" % path)
    return module


class ThreadingFinder(object):
    """In sys.meta_path until threading is imported, which takes as long as all else of a start. The
    thread that does it may be another than the main one, for which threading takes it."""

    def __init__(self):
        self.main = _thread.get_ident()

    def find_spec(self, name, path=None, target=None):
        from _frozen_importlib_external import PathFinder

        spec = name == "threading" and PathFinder.find_spec(name) or None
        if hasattr(spec and spec.loader, "exec_module"):  # not of a zip file on 3.9
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: (execute(module), self.mend(module))
        return spec

    def mend(self, threading):
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        main = threading.main_thread()
        if _thread.get_ident() == self.main:
            return
        threading._active[self.main] = threading._active.pop(main._ident)
        main._ident, main._native_id = self.main, os.getpid()
        if hasattr(main, "_tstate_lock"):  # before 3.13: the end of that other thread would open it
            threading._shutdown_locks.discard(main._tstate_lock)
            main._tstate_lock = lock = closed_gate()
            threading._shutdown_locks.add(lock)


classes = []  # of channels and of the gateway, once there is an engine


class NativeLink(object):
    """What execution.py and serve.py use, as link.py says."""

    def __init__(self, engine, link, execution):
        if not classes:  # for their bases have only now come
            classes.append(type("Channel", (NativeChannel, engine.Channel), {}))
            classes.append(
                type("WorkerGateway", (NativeGateway, engine.Worker), {"engine": engine})
            )
        channel, gateway = classes
        self.gateway = gateway(link, channel)
        # Threads inside the engine leave it before the interpreter ends.
        atexit.register(engine.settle, 1.0)
        self.on_task, self.on_status = execution.arrived, execution.status
        # The first compile() of a process takes a millisecond.
        execution.compiled = self.gateway._compiled
        self.tasks = Tasks(self.gateway)

    ended = property(lambda self: self.gateway._ended())
    received = property(lambda self: self.gateway._received())
    failed = property(lambda self: self.gateway._failed())
    broken = property(lambda self: self.gateway._why_over() is not None)

    def wait(self, tasks):
        """In the main thread, until there is a task, or END."""
        while not tasks.items:
            self.take_request(True)
        return True

    def start_service(self, afterwards):
        start_thread(self.serve, (afterwards,))

    def serve(self, afterwards):
        while self.take_request(False):
            pass
        afterwards()

    def take_request(self, first):
        """Waits for one and sees to it. The main thread is first; the other takes them when the
        main thread is busy. False: there will be none any more."""
        request = self.gateway._next_request(first)
        if request is None:
            return True  # a signal was handled, or a task put
        what, value = request
        if what == "end":
            self.tasks.put(END)
            return False
        if what == "status":
            self.gateway._answer_status(self.on_status())
            return True
        self.on_task(what, value)
        return True

    def end(self):
        self.gateway._end()

    def channel_of(self, number):
        return self.gateway._channel(number)

    def channels(self):
        return len(self.gateway._channels)

    def say_exit(self, code):
        try:
            self.gateway._say_exit(code)
        except IOError:
            pass  # no one reads it

    def complain(self, text):
        try:
            self.gateway._give_up(as_text(text))
        except IOError:
            pass


class Tasks(Mailbox):
    """For the main thread, which waits in the engine meanwhile."""

    def __init__(self, gateway):
        Mailbox.__init__(self, 0)
        self.gateway = gateway

    def put(self, entry):
        Mailbox.put(self, entry)
        self.gateway._wake_first()


class NativeGateway(WorkerGateway):
    def __init__(self, link, channel):
        WorkerGateway.__init__(self, None)
        self.id, self.execmodel = link.gateway.id, link.gateway.execmodel
        self._make_channel = channel
        self._channels = {}  # weak references by number
        self._called = {}  # callback, endmarker, weak reference by number
        super(WorkerGateway, self).__init__(
            link.source, link.sink, link.sent, link.received, link.buffer
        )

    def newchannel(self):
        """A channel of our own; send it, so that the other side can use it."""
        return self._channel(self._open_channel())

    def _channel(self, number):
        found = self._channels.get(number)
        channel = found and found()
        if channel is None:
            channel = self._make_channel(self, number)
            self._channels[number] = ref(channel)
        return channel

    def _cannot_send(self, why):
        return DumpError(why)

    def _call(self, channel, callback, endmarker):
        self._called[channel.id] = callback, endmarker, ref(channel)
        channel._watch()
        if self._callbacks is None:
            self._callbacks = start_thread(self._run_callbacks, (), "callbacks")

    def _run_callbacks(self):
        """The body of the thread for callbacks: one at a time, as things come."""
        number = 0
        while number is not None:
            number = self._next_ready()
            if number in self._called:
                self._call_back(number)

    def _call_back(self, number):
        callback, endmarker, channel = self._called[number]
        item = self._take(number)
        while item is not None:
            try:
                if item is not True:
                    callback(item[0])
                    item = None
                elif endmarker is not NO_ENDMARKER_WANTED:
                    callback(endmarker)
            except Exception:
                text = error_text()
                if channel() is not None:
                    channel()._errors.append(RemoteError(text))
                self._close_channel(number, as_text(text))
            if item is True:
                return self._done_with(number, channel())
            item = self._take(number)

    def _done_with(self, number, channel):
        del self._called[number]
        if channel is not None:
            channel._unwatch()
        else:
            self._forget_channel(number)


class NativeChannel(AnyChannel):
    _has_callback = False

    def __init__(self, gateway, number):
        self._errors = []
        super(AnyChannel, self).__init__(gateway, number)

    def __del__(self):
        gateway = self.gateway
        if gateway is None or gateway._ended():
            return
        if gateway._channels.get(self.id, bool)() is None:
            gateway._channels.pop(self.id, None)
        error = self._getremoteerror() if self.isclosed() else None
        while error is not None:
            error.warn()
            error = self._getremoteerror()

    def exit(self, status):
        """Tells that the process behind this channel has ended (minus N: by signal N)."""
        self._say_exit(status)

    def _close(self, error=None):
        if self.isclosed():
            return
        if isinstance(error, RemoteError):
            self._errors.append(error)
        super(AnyChannel, self)._close(None if error is None else as_text(error))

    def reconfigure(self, py2str_as_py3str=True, py3str_as_py2str=False):
        """Sets how the strings of Python 2 and 3 are taken for each other on this channel."""
        self.gateway._set_strings(self.id, py2str_as_py3str, py3str_as_py2str)

    def isclosed(self):
        """True if the channel is closed. A closed channel may still hold items."""
        return self._state()[2]

    def waitclose(self, timeout=None):
        """Waits until the other side sends nothing more. Raises its RemoteError, or EOFError when
        the link has ended without a close."""
        self._wait_closed(timeout)
        error = self._getremoteerror()
        if error:
            raise error
        if self.gateway._ended() and not self._state()[3]:
            raise EOFError()

    def _getremoteerror(self):
        text = self._take_error()
        if text is not None:
            return RemoteError(text)
        return self._errors.pop(0) if self._errors else None

    def setcallback(self, callback, endmarker=NO_ENDMARKER_WANTED):
        """From now on calls `callback` with each item, those already here at once, later ones in a
        thread for callbacks; with `endmarker`, if given, when nothing comes any more."""
        if self._has_callback:
            raise IOError("%r has callback already registered" % (self,))
        take = self.gateway._take
        item = take(self.id)
        while item not in (None, True):
            callback(item[0])
            item = take(self.id)
        self._has_callback = True
        self.gateway._call(self, callback, endmarker)
