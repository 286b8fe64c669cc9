"""Code that the controller sends: the first in the main thread, what comes meanwhile in others."""

import os
import sys
import time
from _collections import deque

from worker.channel import Channel, run_callbacks
from worker.errors import INTERRUPTED, error_text, register_source
from worker.mailbox import END, _thread, new_lock, start_thread
from worker.values import PY2

DEADLOCK = "concurrent remote_exec would cause deadlock for main_thread_only execmodel"


class ExecModel(object):
    """What programs written for execnet find at channel.gateway.execmodel."""

    sleep = staticmethod(time.sleep)

    def __init__(self, backend):
        self.backend = backend

    def __repr__(self):
        return "<ExecModel %r>" % (self.backend,)

    def __getattr__(self, name):
        if name == "queue":
            return __import__("Queue" if PY2 else "queue")
        if name in ("subprocess", "socket"):
            return __import__(name)
        if name in ("Lock", "RLock", "Event"):
            return getattr(__import__("threading"), name)
        raise AttributeError(name)

    def get_ident(self):
        return _thread.get_ident()

    def start(self, function, args=()):
        start_thread(function, args, function.__name__)

    def fdopen(self, fd, mode, bufsize=1, closefd=True):
        return (
            os.fdopen(fd, mode, bufsize) if PY2 else os.fdopen(fd, mode, bufsize, closefd=closefd)
        )


class WorkerGateway(object):
    """`channel.gateway` of the code that runs here."""

    def __init__(self, link):
        self._link = link
        self._callbacks = None
        self.staying = 0  # tasks that are not to be cut short when the link is lost
        self.id = "worker"
        self.execmodel = ExecModel("thread")

    def __repr__(self):
        return "<WorkerGateway id=%r>" % (self.id,)

    def newchannel(self):
        """A channel of our own; send it, so that the other side can use it."""
        return Channel(self._link, self._link.mailbox())

    def _start_callbacks(self):
        if self._callbacks is None:
            self._callbacks = start_thread(run_callbacks, (self._link,), "callbacks")


class Execution(object):
    """Runs EXECs. The thread that reads calls `arrived`; the main thread is in `run_in_main` until
    the link ends, and again when a task is done."""

    def __init__(self, link):
        self.link = link
        self.lock = new_lock()
        self.main_is_taken = False
        self.main_leaves = False  # its code has ended: who sees that may send the next
        self.waiting = deque()  # for the main thread
        self.started = False
        self.silence = None
        self.running = 0
        self.compiled = lambda source, name: compile(source, name, "exec", 0, True)
        link.on_hello, link.on_task, link.on_status = self.greeted, self.arrived, self.status
        link.make_channel, link.gateway = Channel, WorkerGateway(link)

    def greeted(self, hello):
        """Makes the process what the controller's HELLO asks for."""
        gateway = self.link.gateway
        if hello.get("id"):
            gateway.id = "%s-worker" % hello["id"]
        gateway.execmodel.backend = str(hello.get("execmodel") or "thread")
        for name, value in (hello.get("environment") or {}).items():
            os.environ[str(name)] = str(value)
        if hello.get("nice") and hasattr(os, "nice"):
            os.nice(int(hello["nice"]))
        self.silence = hello.get("silence")
        folder = hello.get("chdir")
        if folder:
            if not os.path.exists(folder):
                os.mkdir(folder)
            os.chdir(folder)

    def listen(self, seconds):
        """Ends a worker that has heard nothing for so long: what led to it was cut silently."""
        heard = None
        while heard != self.link.received:
            heard = self.link.received
            time.sleep(seconds)
            if heard == self.link.received:
                time.sleep(1)  # it may be that a program has just let others run again
        if not self.link.ended:
            self.link.end()
            self.afterwards()

    def arrived(self, box, task):
        if len(task) > 4:
            channel = self.link.channel_of(box)
            if not self.started:
                return self.prepare(channel, *task)
            # It may import, for which another thread may hold us up that waits for us to read.
            return start_thread(self.prepare, (channel,) + tuple(task))
        entry = (box, task)
        with self.lock:
            free, self.main_is_taken = not self.main_is_taken, True
            only_main = self.link.gateway.execmodel.backend == "main_thread_only"
            # The main thread comes for one; a second would wait for that one's end.
            waits = not free and (only_main or self.main_leaves and not self.waiting)
            if waits:
                self.waiting.append(entry)
        if free:
            self.link.tasks.put(entry)
        elif waits and only_main:
            start_thread(self.refuse_late, (entry,))
        elif not waits:
            start_thread(self.run, entry, self.link.gateway.id)

    def prepare(self, channel, source, name, function, kwargs, _):
        """Code for the worker itself, which must not block: before the first other code."""
        try:
            namespace = {"__name__": name}
            exec(self.compiled(source, name), namespace)
            namespace[function](channel, **kwargs)
        except Exception:
            channel.close(error_text())

    def refuse_late(self, entry):
        """The main thread has not come to it within a second: it is not likely to."""
        time.sleep(1)
        with self.lock:
            if entry not in self.waiting:
                return
            self.waiting.remove(entry)
        self.link.channel_of(entry[0]).close(DEADLOCK)

    def next_waiting(self):
        """What the main thread does next, without looking at the link; None: it is free."""
        with self.lock:
            self.main_leaves = False
            if self.waiting:
                return self.waiting.popleft()
            self.main_is_taken = False

    def status(self):
        return {
            "numchannels": self.link.channels(),
            "numexecuting": self.running,
            "execmodel": self.link.gateway.execmodel.backend,
        }

    def run_in_main(self, afterwards):
        """Until the link ends. `afterwards` is called in a thread that reads until then."""
        self.afterwards = afterwards
        if self.silence:
            start_thread(self.listen, (self.silence,))
        while self.link.wait(self.link.tasks):
            entry = self.link.tasks.items.popleft()
            if entry is END:
                break
            if not self.started:
                self.started = True
                self.link.start_service(afterwards)
            while entry is not None:
                self.run(entry[0], entry[1], True)
                entry = None  # what it holds goes before the next one
                entry = self.next_waiting()
        while self.running:  # in other threads; `afterwards` sees to that it ends
            time.sleep(0.005)

    def run(self, box, task, in_main=False):
        with self.lock:
            self.running += 1
        channel = self.link.channel_of(box)
        try:
            self.execute(channel, in_main, *task)
        except EnvironmentError:
            if not self.link.ended and not self.link.broken:
                raise
        finally:
            with self.lock:
                self.running -= 1

    def execute(self, channel, in_main, source, file_name, function, kwargs):
        name = str(file_name or "<remote exec>")
        namespace = {"channel": channel, "__name__": "__channelexec__"}
        if "linecache" in sys.modules:
            register_source(sys.modules["linecache"], source, name)
        channel._executing = True
        try:
            try:
                exec(self.compiled(source + "\n", name), namespace)
                if function:
                    namespace[function](channel, **kwargs)
            finally:
                channel._executing = False
                flush_output()
                self.main_leaves = self.main_leaves or in_main
        except KeyboardInterrupt:
            channel._close(INTERRUPTED)
            raise
        except EOFError:
            channel._close()
        except BaseException:
            if not self.link.ended:
                channel._close(error_text(source, name))
        else:
            channel._close()


def flush_output():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # closed, replaced or full: the program's own business
