"""What has come for a channel and was not taken: in memory, and what is too much in a file."""

import os
from _collections import deque

from worker.values import JYTHON, PY2, struct

_thread = __import__("thread" if PY2 else "_thread")
new_lock = _thread.allocate_lock

END = object()  # the last entry of a mailbox
MOST = 8 << 20  # bytes of all mailboxes that wait in memory
ENTRY = 64  # what an entry takes beside its bytes
PACK = 1 << 18  # bytes that are worth a place in a file
MOST_KEPT = 4 << 30  # in files
NARROW = 1 << 20  # the window of a channel for which there is no room


class Mailbox(object):
    """What has come for one channel and was not taken yet; the link keeps it until it is closed.

    Entries: bytes (a payload), a list of bytes (a payload in pieces), Decoded, Pack, and at last
    END, which stays. Any thread takes; only the thread that reads the stream puts.
    """

    def __init__(self, number, strings=(True, False)):
        self.number = number
        self.strings = strings
        self.items = deque()
        self.pieces = None  # of a message that is not complete
        self.waiters = []  # a locked lock for each thread that sleeps for it
        self.closed = False  # neither side sends any more
        self.finished = False  # nothing comes any more
        self.errors = []
        self.callback = None
        self.endmarker = None
        self.channel = None  # a weak reference once there is one
        self.unclaimed = None  # the channel itself, until the program has seen it
        # Credit, spec/wire.md. What we give: bytes that came, what was said of those taken, about
        # how many were taken since; the window (0: none), and what the program wants that to be.
        self.came = self.said = self.fresh = self.window = self.wanted = 0
        # What we are given: bytes sent, those taken there, the window; what tells of more.
        self.sent = self.taken = self.limit = 0
        self.gate = None
        self.lock = new_lock()  # of what follows, and `said`
        self.file = None
        self.file_end = self.packs = 0

    def put(self, entry):
        self.items.append(entry)
        if self.waiters:
            self.wake()

    def wake(self):
        for lock in list(self.waiters):
            release(lock)

    def waiting(self, entry=0, pack=1):
        """Bytes of what was not taken, `entry` more for each; with packs, or what is in memory."""
        while True:
            try:
                items = list(self.items)
                break
            except RuntimeError:  # another thread was in between
                pass
        if items and self.pieces and pack:
            items.append(list(self.pieces))
        return sum([length(item) + entry for item in items if pack or type(item) is not Pack])

    def spill(self):
        """Moves what waits in memory to the file, as far as there is room."""
        items, loose = self.items, []
        try:
            if items[-1] is END:
                loose.append(items.pop())
            while type(items[-1]) in (bytes, list):
                loose.append(items.pop())
        except IndexError:
            pass  # that was all, or another thread takes
        with self.lock:
            while loose and loose[-1] is not END:
                many, size = [], 0
                while size < PACK and loose and loose[-1] is not END:
                    many.append(loose.pop())
                    size += length(many[-1])
                try:
                    items.append(self.keep(many, size))
                    self.packs += 1
                except (EnvironmentError, ValueError):  # a full disk, no place for files
                    loose.extend(reversed(many))
                    break
        items.extend(reversed(loose))
        self.wake()

    def keep(self, entries, size):
        if self.file is None:
            import tempfile

            # /tmp is often memory, which this is to save.
            place = os.environ.get("TMPDIR") or "/var/tmp"
            place = place if os.path.isdir(place) else None
            self.file = tempfile.TemporaryFile("w+b", 0, dir=place)  # noqa: SIM115
        self.file.seek(self.file_end)
        sizes = [length(entry) for entry in entries]
        parts, ready = [struct.pack("<%dQ" % len(sizes), *sizes)], 0
        for entry in entries:
            for part in entry if type(entry) is list else [entry]:
                parts.append(part)
                ready += len(part)
                if ready > PACK:
                    self.write(parts)
                    parts, ready = [], 0
        self.write(parts)
        at, self.file_end = self.file_end, self.file.tell()
        return Pack(at, len(sizes), size)

    def write(self, parts):
        data = b"".join(parts)
        while data:
            written = self.file.write(data)
            data = data[written:] if written is not None else b""

    def open(self, pack):
        """Puts what is in a pack that was taken where the pack was."""
        with self.lock:
            try:
                self.file.seek(pack.at)
                sizes = struct.unpack("<%dQ" % pack.count, self.read(8 * pack.count))
                entries = [self.read(size) for size in sizes]
                self.items.extendleft(reversed(entries))
            finally:
                self.packs -= 1
            if not self.packs:
                self.file.close()
                self.file, self.file_end = None, 0

    def read(self, size):
        parts = []
        while size:
            parts.append(self.file.read(size))
            size -= len(parts[-1])
            if not parts[-1]:
                raise IOError("what waited in a temporary file has gone")
        return b"".join(parts)


class Decoded(object):
    """An entry that had to be decoded at once, for the channels in it."""

    def __init__(self, value, size):
        self.value, self.size = value, size


class Pack(object):
    """An entry that stands for `count` in the file, of `size` bytes together."""

    def __init__(self, at, count, size):
        self.at, self.count, self.size = at, count, size


def length(entry):
    if type(entry) is bytes:
        return len(entry)
    if type(entry) is list:
        return sum(map(len, entry))
    return 0 if entry is END else entry.size


def closed_gate():
    """What a thread sleeps on until another one releases it."""
    if JYTHON:  # a lock of Jython is released by its owner only
        return __import__("threading").Semaphore(0)
    lock = new_lock()
    lock.acquire()
    return lock


def release(lock):
    try:
        lock.release()
    except Exception:  # each Python has another
        pass  # someone else has woken that thread


def start_thread(function, args=(), name=None):
    """One with a name runs code of the program, which may ask what thread it is in."""
    if not (name or PY2):
        return _thread.start_new_thread(function, args)
    # In Python 2, where serve() has imported it, an import would wait for one that is under way.
    threading = os.sys.modules["threading"] if PY2 else __import__("threading")
    thread = threading.Thread(None, function, name, args)
    thread.daemon = True
    # Python 2 takes all names away as it ends: what its threads then meet is nobody's business.
    thread._Thread__stderr = None
    thread.start()
    return thread
