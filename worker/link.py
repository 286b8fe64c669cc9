"""The link to the controller: packets over two fds, read by whoever waits (spec/wire.md).

What execution.py, channel.py and serve.py use of a link, so what a native one has to offer too:

    Link(source, sink, early)   `early`: bytes that were read before the link was made
    hello                       the controller's HELLO, a dict; None before it has come
    on_hello, on_task           called with that dict; with (mailbox, value) of EXEC; do not block
    make_channel, gateway       called with (link, mailbox); what channels have as `gateway`
    on_status                   called for a STATUS, gives the dict of the answer
    ended, failed               True once nothing comes any more; and if that was an error
    tasks, calls                Mailboxes of the link itself, for execution.py and callbacks
    mailbox(), drop(mailbox)    opens a channel, forgets one
    send(kind, number, value)   blocks until the packet is out, reading meanwhile
    send_data(mailbox, payload, extended)
    take(mailbox)               the next entry if that is there; None: look again
    limit(mailbox, bytes)       how much may wait in it before the other end does
    post(kind, number, payload) the same for any moment (finalizers, dispatch): never blocks
    wait(mailbox, timeout, finished)  until something is in it, or it is finished; False: too late
    start_service(afterwards)   a thread that reads when no one else does, then calls
    finish(mailbox, ...)        closes it here
    channel_of(mailbox)         the channel of one that is to be executed
    channels()                  how many are open
    say_exit(code), complain(text)  the last words, in peace or not
"""

import time
from _collections import deque

from worker.errors import RemoteError, as_text
from worker.greeting import HEADER
from worker.mailbox import (
    END,
    ENTRY,
    MOST,
    MOST_KEPT,
    NARROW,
    PACK,
    Decoded,
    Mailbox,
    Pack,
    _thread,
    closed_gate,
    length,
    new_lock,
    release,
    start_thread,
)
from worker.streams import read_some, wait_for, write_some
from worker.values import PY2, dumps, loads, struct

HELLO, DATA, EXEC, CLOSE, LAST, CREDIT, EXIT = range(7)
TERMINATE, PING, PONG, STATUS, RECONFIGURE, ENGINE = range(7, 13)
MORE, EXTENDED = 1, 2
LONGEST = 1 << 20  # of a payload
PIECE = 131072
READ = 65536
# For so long after a caller has read, the service thread leaves the stream to callers.
PATIENCE = 0.005

clock = getattr(time, "monotonic", time.time)


class ProtocolError(Exception):
    pass


class Link(object):
    """One stream each way. Made by serve.py, lives as long as the process.

    Reading is a role, held by the thread that has `pump_lock`: a thread that waits takes it, reads
    and dispatches until its own mailbox has something, and leaves. So a question and its answer
    cost no change of threads. Threads that find the role taken sleep until their mailbox is filled
    or the role is free. The service thread takes it when callers have left it alone for PATIENCE.
    What is to be sent while dispatching is posted, for whoever holds `write_lock` next.
    """

    def __init__(self, source, sink, early=b""):
        self.source, self.sink = source, sink
        self.buffer = early
        self.hello = None
        self.on_hello = self.on_task = self.on_status = self.make_channel = None
        self.gateway = None
        self.strings = (True, False)
        self.mailboxes = {}
        self.used = set()  # ids of the controller's that are or were open
        self.next_number = 2
        self.tasks, self.calls = Mailbox(0), Mailbox(0)
        self.ended = False
        self.failed = False  # it ended for a reason that was told
        self.broken = False  # nothing can be sent any more
        self.received = self.sent = 0
        self.pump_lock, self.write_lock = new_lock(), new_lock()
        self.outbox = deque()
        self.sleepers = deque()
        self.pumps = 0  # counts what callers read or wanted to read
        self.bed = closed_gate()  # the service thread sleeps on it
        self.polls = type(source) is int  # else (Jython) a read cannot be given a time limit
        self.parked = False
        self.held = bool(early)  # `buffer` has packets to look at before anything is read
        self.fresh = 0  # bytes that came since somebody looked how many wait
        self.engine = []  # pieces of one that was asked for; the last is empty
        # A payload of which a part is missing.
        self.head, self.parts, self.missing = None, [], 0

    # --- waiting and reading -----------------------------------------------------------------

    def wait(self, mailbox, timeout=None, finished=False):
        deadline = None if timeout is None else clock() + timeout
        while not (mailbox.finished if finished else mailbox.items):
            self.pumps += 1
            may_read = deadline is None or self.polls
            if may_read and self.pump_lock.acquire(False):
                try:
                    while not (mailbox.finished if finished else mailbox.items):
                        if not self.pump(deadline):
                            return False
                finally:
                    self.leave()
            elif not self.sleep(mailbox, deadline, finished, may_read):
                return False
        return True

    def sleep(self, mailbox, deadline, finished, may_read):
        """Another thread reads: until it has put something into the mailbox, or leaves."""
        lock = closed_gate()
        mailbox.waiters.append(lock)
        self.sleepers.append(lock)
        try:
            if mailbox.finished if finished else mailbox.items:
                return True
            if may_read and self.pump_lock.acquire(False):  # it has left before it could see us
                self.leave()
                return True
            return acquire_before(lock, deadline)
        finally:
            mailbox.waiters.remove(lock)
            self.sleepers.remove(lock)
            # It may be that we were woken to read, and do not need to any more.
            if self.sleepers and self.pump_lock.acquire(False):
                self.leave()

    def leave(self):
        self.pump_lock.release()
        if self.sleepers:
            try:
                release(self.sleepers[0])
            except IndexError:
                pass  # it has woken up by itself
        elif self.parked:
            release(self.bed)

    def pump(self, deadline=None):
        """Reads once and dispatches; False when the deadline passed. Only with `pump_lock`."""
        if self.held:
            data, self.held = b"", False
        else:
            if deadline is not None:
                left = deadline - clock()
                if not wait_for(self.source, None, max(0, left))[0]:
                    return clock() < deadline
            data = read_some(self.source, min(max(self.missing, READ), LONGEST))
        if data is None:  # the same socket as the other direction's, which does not block
            wait_for(self.source, None, None)
            return True
        self.feed(data)
        if self.outbox:
            self.flush(True)
        return True

    def feed(self, data):
        if not data and not self.buffer:
            return self.end()
        try:
            self.dispatch_all(data)
        except Exception as error:  # of the controller, or a HELLO that cannot be followed
            self.failed = True
            self.post(CLOSE, 0, dumps(as_text("%s: %s" % (type(error).__name__, error)))[0])
            self.end()

    def dispatch_all(self, data):
        if self.missing:
            if len(data) < self.missing:
                self.parts.append(data)
                self.missing -= len(data)
                return
            self.parts.append(data[: self.missing])
            data = data[self.missing :]
            parts, self.parts, self.missing = self.parts, [], 0
            self.dispatch(self.head[0], self.head[1], self.head[2], parts)
        if self.buffer:
            data = self.buffer + data
            self.buffer = b""
        at, end = 0, len(data)
        unpack = HEADER.unpack_from
        while end - at >= 16:
            size, kind, flags, address, number, sequence = unpack(data, at)
            self.received = (self.received + 1) & 0xFFFFFFFF
            if sequence != self.received:
                raise ProtocolError("packet %d came as number %d" % (sequence, self.received))
            if kind > ENGINE or flags > 3 or size > LONGEST or address:
                raise ProtocolError("a packet of kind %d, flags %d, size %d, address %d"
                                    % (kind, flags, size, address))  # fmt: skip
            at += 16
            if end - at < size:
                self.head = (kind, flags, number)
                self.parts, self.missing = [data[at:]], size - (end - at)
                return
            payload = data[at : at + size]
            at += size
            self.dispatch(kind, flags, number, payload)
            if kind in (HELLO, ENGINE):  # whoever greets decides who reads the rest: serve.py
                self.held = at < end
                break
        if at < end:
            self.buffer = data[at:]

    def dispatch(self, kind, flags, number, payload):
        """`payload`: bytes, or a list of them."""
        if kind == DATA:
            mailbox = self.mailboxes.get(number) or self.unknown(number)
            if mailbox is None or mailbox.finished:
                return
            size = length(payload)
            mailbox.came += size
            self.fresh += size + ENTRY
            if mailbox.pieces is not None or flags & MORE:
                pieces = mailbox.pieces
                if pieces is None:
                    pieces = mailbox.pieces = []
                pieces.extend(payload if type(payload) is list else [payload])
                if flags & MORE:
                    if mailbox.window and not mailbox.items:
                        self.took(mailbox, size)  # it may be longer than the window
                    return
                payload, mailbox.pieces = pieces, None
            if flags & EXTENDED:
                size = length(payload)
                payload = Decoded(self.decode(payload, True, mailbox.strings), size)
            mailbox.put(payload)
            if self.fresh > MOST:
                self.make_room()
            if mailbox.callback is not None:
                self.calls.put(mailbox)
            return
        if type(payload) is list:
            payload = b"".join(payload)
        if (kind == HELLO) != (self.hello is None):
            raise ProtocolError("a HELLO was expected, or was not")
        if kind in (CLOSE, LAST):
            mailbox = self.mailboxes.get(number) or self.unknown(number)
            error = RemoteError(self.decode(payload, flags & EXTENDED)) if payload else None
            if number == 0:
                self.end()
            elif mailbox is not None:
                self.finish(mailbox, error, kind == LAST)
            elif error is not None:
                error.warn()
        elif kind == HELLO:
            self.hello = self.decode(payload, flags & EXTENDED)
            self.on_hello(self.hello)
        elif kind == EXEC:
            if number in self.used or not number & 1:
                raise ProtocolError("channel %d is in use" % number)
            box = self.open_theirs(number)
            self.on_task(box, self.decode(payload, flags & EXTENDED))
        elif kind == CREDIT:
            mailbox = self.mailboxes.get(number)
            if mailbox is not None:
                said = struct.unpack("<%dQ" % (len(payload) // 8), payload)
                mailbox.gate = mailbox.gate or Mailbox(0)
                mailbox.taken, mailbox.limit = said if len(said) > 1 else (said[0], mailbox.limit)
                mailbox.gate.put(True)
        elif kind == TERMINATE:
            self.end()
        elif kind == ENGINE:
            self.engine.append(payload)
        elif kind == PING:
            self.post(PONG, number, payload)
        elif kind == STATUS:
            if not payload:
                self.post(STATUS, 0, dumps(self.on_status())[0])
        elif kind == RECONFIGURE:
            strings = self.decode(payload, flags & EXTENDED)
            if number in self.mailboxes:
                self.mailboxes[number].strings = strings
            elif number == 0:
                self.strings = strings

    def decode(self, payload, extended, strings=(True, False)):
        if type(payload) is list:
            payload = b"".join(payload)
        return loads(payload, extended, strings[1], self.channel)

    def end(self):
        """Nothing comes any more: everyone who waits is told."""
        if self.ended:
            return
        self.ended = True
        for mailbox in list(self.mailboxes.values()) + [self.tasks, self.calls]:
            self.finish(mailbox, None, True)
        if self.parked:
            release(self.bed)

    # --- the service thread ------------------------------------------------------------------

    def start_service(self, afterwards):
        """Starts the thread that reads when callers do not, and calls `afterwards` at the end."""
        start_thread(self.serve, (afterwards,), "elsewhere")

    def serve(self, afterwards):
        seen = None
        while not self.ended:
            if seen != self.pumps:
                seen = self.pumps
                self.park(PATIENCE)
            elif self.pump_lock.acquire(False):
                try:
                    while not self.ended and seen == self.pumps:
                        self.pump()
                finally:
                    self.leave()
            else:  # a caller reads, and has found nothing for a while: until it leaves
                self.parked = True
                if self.pump_lock.acquire(False):
                    self.leave()
                elif not self.ended:
                    self.park(None)
                self.parked = False
        afterwards()

    def park(self, seconds):
        if seconds is not None:
            time.sleep(seconds)
        else:
            self.bed.acquire()

    # --- channels ----------------------------------------------------------------------------

    def mailbox(self):
        """Opens a channel of our own."""
        if self.ended:
            raise IOError("connection already closed")
        number, self.next_number = self.next_number, self.next_number + 2
        box = self.mailboxes[number] = Mailbox(number, self.strings)
        return box

    def open_theirs(self, number):
        self.used.add(number)
        box = self.mailboxes[number] = Mailbox(number, self.strings)
        return box

    def unknown(self, number):
        """The mailbox of an id that is first heard of; None when it has been closed here."""
        if number & 1 == 0:
            if number >= self.next_number:
                raise ProtocolError("channel %d was never opened here" % number)
            return None
        if number in self.used:
            return None
        box = self.open_theirs(number)
        box.unclaimed = self.make_channel(self, box)
        return box

    def channel(self, number):
        """The channel of an id in a value."""
        box = self.mailboxes.get(number) or self.unknown(number)
        if box is None:  # closed here; it is told so when used
            box = Mailbox(number, self.strings)
            box.closed = True
            self.finish(box)
        found = box.channel and box.channel()
        box.unclaimed = None
        return found if found is not None else self.make_channel(self, box)

    def channel_of(self, mailbox):
        return (mailbox.channel and mailbox.channel()) or self.make_channel(self, mailbox)

    def channels(self):
        return len(self.mailboxes)

    def say_exit(self, code):
        self.post(EXIT, 0, dumps(code)[0])

    def complain(self, text):
        self.post(CLOSE, 0, dumps(as_text(text))[0])

    def drop(self, mailbox):
        self.mailboxes.pop(mailbox.number, None)

    def finish(self, mailbox, error=None, sendonly=False):
        """Nothing comes for it any more; unless `sendonly`, nothing goes out either."""
        if error is not None:
            mailbox.errors.append(error)
            if mailbox.channel is None or mailbox.channel() is None:
                error.warn()
        if not sendonly:
            mailbox.closed = True
            self.drop(mailbox)
        if mailbox.gate is not None:
            mailbox.gate.put(True)
        if not mailbox.finished:
            mailbox.finished = True
            mailbox.put(END)
            if mailbox.callback is not None:
                self.calls.put(mailbox)

    # --- what is too much --------------------------------------------------------------------

    def make_room(self):
        """Much has come: if much of it waits, it goes to files, or its senders are to wait."""
        boxes = list(self.mailboxes.values())
        waiting = sorted([(box.waiting(ENTRY, 0), box.number, box) for box in boxes])
        total = sum([entry[0] for entry in waiting])
        kept = sum([box.file_end for box in boxes])
        while waiting and total > MOST and waiting[-1][0] > PACK:
            size, _, box = waiting.pop()
            if kept < MOST_KEPT:
                box.spill()
                if box.callback is not None:
                    self.calls.put(box)  # it may have found nothing just now
            left = box.waiting(ENTRY, 0)
            if left > PACK and not 0 < box.window <= NARROW:
                self.give(box, NARROW)
            total -= size - left
        self.fresh = min(total, MOST // 2)

    def take(self, box):
        entry = box.items.popleft()
        if type(entry) is Pack:
            return box.open(entry)
        if entry is END:
            box.put(END)
            if box.packs:  # another thread opens one just now
                return time.sleep(0.001)
        elif box.window:
            self.took(box, length(entry))
        return entry

    def took(self, box, size):
        """Tells the other end of it when that was much, or when there is room again."""
        box.fresh += size
        if box.window != box.wanted and not box.items:
            self.give(box, box.wanted)
        elif 4 * box.fresh >= box.window or not box.items:
            self.give(box)

    def limit(self, box, size):
        box.wanted = size
        self.give(box, size)

    def give(self, box, window=None):
        """Says how much was taken, exactly: takers count in `fresh` without a lock."""
        with box.lock:
            box.fresh, said = 0, [max(box.said, box.came - box.waiting())]
            if window is not None:
                box.window = window
                said.append(window)
            elif said[0] == box.said:
                return
            box.said = said[0]
            self.outbox.append((CREDIT, box.number, struct.pack("<%dQ" % len(said), *said), 0))
        self.flush()

    # --- writing -----------------------------------------------------------------------------

    def send(self, kind, number, payload=b"", flags=0):
        with self.write_lock:
            self.write(kind, number, payload, flags)
        if self.outbox:
            self.flush()

    def send_data(self, box, payload, extended=False):
        """One message, in pieces if it is long; the caller sees to one at a time per channel."""
        flags = EXTENDED if extended else 0
        if len(payload) > PIECE:
            view = memoryview(payload)
            last = (len(payload) - 1) // PIECE * PIECE
            for at in range(0, last, PIECE):
                self.send_piece(box, view[at : at + PIECE], flags | MORE)
            payload = view[last:]
        self.send_piece(box, payload, flags)

    def send_piece(self, box, payload, flags):
        while box.limit and box.sent - box.taken >= box.limit:
            if box.closed or self.ended:
                raise IOError("cannot send to channel %d" % box.number)
            self.wait(box.gate)
            box.gate.items.clear()
        box.sent += len(payload)
        self.send(DATA, box.number, payload, flags)

    def post(self, kind, number, payload=b"", flags=0):
        self.outbox.append((kind, number, payload, flags))
        self.flush()

    def flush(self, pumping=False):
        """Sends what was posted, unless a thread is sending: that one will."""
        while self.outbox and self.write_lock.acquire(False):
            try:
                while self.outbox:
                    kind, number, payload, flags = self.outbox.popleft()
                    self.write(kind, number, payload, flags, pumping)
            except EnvironmentError:
                pass  # the reading side tells of the end
            finally:
                self.write_lock.release()

    def write(self, kind, number, payload, flags, pumping=False):
        if self.broken:
            raise IOError("cannot send (already closed?)")
        sequence = (self.sent + 1) & 0xFFFFFFFF
        data = HEADER.pack(len(payload), kind, flags, 0, number, sequence)
        try:
            if type(payload) is memoryview:
                self.write_all(data, pumping)
                self.write_all(payload, pumping)
            else:
                data += payload
                written = write_some(self.sink, data)
                if written != len(data):
                    self.write_all(memoryview(data)[written:], pumping)
        except EnvironmentError:
            self.broken = True
            raise IOError("cannot send (already closed?)")
        except BaseException:
            self.broken = True  # an exception of a signal handler, in the middle of a packet
            raise
        self.sent = sequence

    def write_all(self, data, pumping):
        while len(data):
            written = write_some(self.sink, data)
            data = data[written:]
            if len(data):
                self.wait_for_room(pumping)

    def wait_for_room(self, pumping):
        """Until some can be written; what comes meanwhile is read, by us if by no one else."""
        mine = pumping or self.pump_lock.acquire(False)
        try:
            source = self.source if mine and not self.ended else None
            readable, _ = wait_for(source, self.sink, None if mine else 0.02)
            if readable:
                data = read_some(self.source, min(max(self.missing, READ), LONGEST))
                if data is not None:
                    self.feed(data)
        finally:
            if mine and not pumping:
                self.leave()


def acquire_before(lock, deadline):
    """lock.acquire() with a deadline; False when it has passed."""
    if deadline is None:
        lock.acquire()
        return True
    left = max(0, deadline - clock())
    if PY2:
        pause = 0.0005
        while not lock.acquire(False):
            left = deadline - clock()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(2 * pause, 0.02)
        return True
    return lock.acquire(True, min(left, _thread.TIMEOUT_MAX))
