"""Channels as the program sees them: names, semantics and errors are execnet's."""

from _weakref import ref

from worker.errors import RemoteError, as_text, error_text
from worker.link import CLOSE, EXIT, LAST, RECONFIGURE
from worker.mailbox import END, Decoded, new_lock, start_thread
from worker.values import dumps, loads

NO_ENDMARKER_WANTED = object()


class TimeoutError(IOError):
    """Exception indicating that a timeout was reached."""


def is_channel(item):
    return isinstance(item, Channel)


class AnyChannel(object):
    """What channels are to the program, whether link.py or the engine carries them."""

    RemoteError = RemoteError
    TimeoutError = TimeoutError
    _executing = False

    def __repr__(self):
        return "<Channel id=%d %s>" % (self.id, "closed" if self.isclosed() else "open")

    def close(self, error=None):
        if self._executing:
            raise IOError("cannot explicitly close channel within remote_exec")
        self._close(error)

    def __iter__(self):
        return self

    def next(self):
        try:
            return self.receive()
        except EOFError:
            raise StopIteration

    __next__ = next

    def makefile(self, mode="w", proxyclose=False):
        """A file-like object: 'w' sends what is written, 'r' reads what is received."""
        if mode == "w":
            return ChannelFileWrite(self, proxyclose)
        if mode == "r":
            return ChannelFileRead(self, proxyclose)
        raise ValueError("mode %r not available" % (mode,))

    def spawn(self, argv, **options):
        """Starts a child, options as for subprocess.Popen; its end is told by EXIT."""
        import subprocess

        options.setdefault("close_fds", True)
        process = subprocess.Popen(argv, **options)

        def wait():
            try:
                self.exit(process.wait())
            except IOError:
                pass  # the controller is gone

        start_thread(wait)
        return process


class Channel(AnyChannel):
    """One of the program's conversations with the controller. When the program forgets it, the
    other side is told. Any thread may use it; a link that ends, ends it with EOFError."""

    def __init__(self, link, mailbox):
        self._link = link
        self._mailbox = mailbox
        self._items = mailbox.items
        self._send_lock = new_lock()
        self.id = mailbox.number
        self.gateway = link.gateway
        mailbox.channel = ref(self)

    def __del__(self):
        box = self._mailbox
        if self._link.ended:
            return
        if box.closed:
            for error in box.errors:
                error.warn()
        elif box.callback is not None and not box.finished:
            self._link.post(LAST, self.id)
        else:
            self._link.drop(box)
            self._link.post(CLOSE, self.id)

    # --- sending -----------------------------------------------------------------------------

    def send(self, item):
        """Sends a copy of the item; waits while the other side does not take what was sent."""
        if self._mailbox.closed:
            raise IOError("cannot send to %r" % (self,))
        payload, extended = dumps(item, is_channel)
        with self._send_lock:
            self._link.send_data(self._mailbox, payload, extended)

    def exit(self, status):
        """Tells that the process behind this channel has ended (minus N: by signal N)."""
        self._link.send(EXIT, self.id, dumps(status)[0])

    def _close(self, error=None):
        box = self._mailbox
        if box.closed:
            return
        if not self._link.ended:
            text = b"" if error is None else dumps(as_text(error))[0]
            self._link.send(CLOSE, self.id, text)
        if isinstance(error, RemoteError):
            box.errors.append(error)
        box.closed = True
        self._link.finish(box)

    def reconfigure(self, py2str_as_py3str=True, py3str_as_py2str=False):
        """Sets how the strings of Python 2 and 3 are taken for each other on this channel."""
        self._mailbox.strings = (py2str_as_py3str, py3str_as_py2str)
        self._link.send(RECONFIGURE, self.id, dumps(self._mailbox.strings)[0])

    def limit(self, bytes):
        """From now on the other side's send() waits while `bytes` of what it has sent here were not
        received; 0: as before. Without one, what nobody receives waits in a file."""
        if bytes < 0:
            raise ValueError("a limit is not negative")
        self._link.limit(self._mailbox, bytes)

    # --- receiving ---------------------------------------------------------------------------

    def receive(self, timeout=None):
        """The next item. At the end: RemoteError once if there was one, then EOFError."""
        entry = self._next_entry(timeout)
        if type(entry) is bytes:
            return loads(entry, False, self._mailbox.strings[1])
        return open_entry(entry, self._mailbox.strings)

    def _next_entry(self, timeout):
        items = self._items
        while True:
            if not items:
                self._check_receivable()
                if not self._link.wait(self._mailbox, timeout):
                    raise self.TimeoutError("no item after %r seconds" % timeout)
            try:
                entry = self._link.take(self._mailbox)
            except IndexError:
                continue  # another thread was faster
            if entry is None:
                continue
            if entry is END:
                self._check_receivable()
                raise self._getremoteerror() or EOFError()
            if self._mailbox.callback is not None:
                items.appendleft(entry)
                self._check_receivable()
            return entry

    def _check_receivable(self):
        if self._mailbox.callback is not None:
            raise IOError("cannot receive(), channel has receiver callback")

    def _getremoteerror(self):
        errors = self._mailbox.errors
        return errors.pop(0) if errors else None

    def isclosed(self):
        """True if the channel is closed. A closed channel may still hold items."""
        return self._mailbox.closed

    def waitclose(self, timeout=None):
        """Waits until the other side sends nothing more. Raises its RemoteError, or EOFError when
        the link has ended without a close."""
        if not self._link.wait(self._mailbox, timeout, True):
            raise self.TimeoutError("Timeout after %r seconds" % timeout)
        error = self._getremoteerror()
        if error:
            raise error
        if self._link.ended and not self._mailbox.closed:
            raise EOFError()

    def setcallback(self, callback, endmarker=NO_ENDMARKER_WANTED):
        """From now on calls `callback` with each item, those already here at once, later ones in a
        thread for callbacks; with `endmarker`, if given, when nothing comes any more."""
        box = self._mailbox
        if box.callback is not None:
            raise IOError("%r has callback already registered" % (self,))
        box.endmarker = endmarker
        while self._items:
            entry = self._link.take(box)
            if entry is END:
                break
            if entry is not None:
                callback(open_entry(entry, box.strings))
        box.callback = callback
        self.gateway._start_callbacks()
        self._link.calls.put(box)


def open_entry(entry, strings):
    """The value of an entry of a mailbox."""
    if type(entry) is Decoded:
        return entry.value
    if type(entry) is list:
        # Long bytes are most of what is long: one copy, where marshal would need two.
        if entry[0][:1] == b"s" and len(entry[0]) >= 5:
            entry[0] = entry[0][5:]
            return b"".join(entry)
        entry = b"".join(entry)
    return loads(entry, False, strings[1])


def run_callbacks(link):
    """The body of the thread for callbacks: one at a time, in the order in which things came."""
    while link.wait(link.calls):
        box = link.calls.items.popleft()
        if box is END:
            return
        while box.items:
            entry = link.take(box)
            if entry is None:
                continue
            try:
                if entry is not END:
                    box.callback(open_entry(entry, box.strings))
                elif box.endmarker is not NO_ENDMARKER_WANTED:
                    endmarker, box.endmarker = box.endmarker, NO_ENDMARKER_WANTED
                    box.callback(endmarker)
            except Exception:
                text = error_text()
                known = box.finished
                link.finish(box, RemoteError(text))
                if not known:  # what the other side does next finds it closed here
                    link.post(CLOSE, box.number, dumps(as_text(text))[0])
            if entry is END:
                break


class ChannelFile(object):
    def __init__(self, channel, proxyclose=True):
        self.channel = channel
        self._proxyclose = proxyclose

    def isatty(self):
        return False

    def close(self):
        if self._proxyclose:
            self.channel.close()

    def __repr__(self):
        state = "closed" if self.channel.isclosed() else "open"
        return "<ChannelFile %d %s>" % (self.channel.id, state)


class ChannelFileWrite(ChannelFile):
    def write(self, out):
        self.channel.send(out)

    def flush(self):
        pass


class ChannelFileRead(ChannelFile):
    _buffer = None

    def _fill(self):
        item = self.channel.receive()
        self._buffer = item if self._buffer is None else self._buffer + item

    def read(self, n):
        try:
            while self._buffer is None or len(self._buffer) < n:
                self._fill()
        except EOFError:
            self.close()
        if self._buffer is None:
            return ""
        taken, self._buffer = self._buffer[:n], self._buffer[n:]
        return taken

    def readline(self):
        looked = 0
        try:
            while True:
                if self._buffer is not None:
                    newline = b"\n" if isinstance(self._buffer, bytes) else "\n"
                    found = self._buffer.find(newline, looked)
                    if found >= 0:
                        return self.read(found + 1)
                    looked = len(self._buffer)
                self._fill()
        except EOFError:
            return self.read(looked + 1)
