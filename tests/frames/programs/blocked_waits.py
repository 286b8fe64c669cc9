"""Waits for locks, events, conditions, queues and select, all with timeouts, expire as they would."""
import queue
import select
import sys
import threading

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SECONDS = 0.03

held = threading.Lock()
held.acquire()
again = threading.RLock()
event = threading.Event()
condition = threading.Condition()
line = queue.Queue(maxsize=2)
places = threading.Semaphore(0)
for turn in range(2 * ROUNDS):
    said = []
    said.append(held.acquire(timeout=SECONDS))
    checkpoint()
    with again, again:
        said.append(event.wait(SECONDS))
        checkpoint()
    with condition:
        said.append(condition.wait(SECONDS))
        checkpoint()
        said.append(condition.wait_for(lambda: False, timeout=SECONDS))
    try:
        line.get(timeout=SECONDS)
    except queue.Empty:
        said.append("empty")
    line.put(turn)
    line.put(turn)
    checkpoint()
    try:
        line.put(turn, timeout=SECONDS)
    except queue.Full:
        said.append("full")
    said.append([line.get(), line.get()])
    said.append(places.acquire(timeout=SECONDS))
    said.append(select.select([], [], [], SECONDS))
    print(turn, *said, flush=True)
print(held.locked(), event.is_set(), line.empty())
