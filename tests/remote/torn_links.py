"""A program with gateways of many kinds under load, whose parts are killed at random.

usage: torn_links.py SECONDS KILLS SEED SPECS

SPECS is JSON: kind to spec, for what the caller has at hand ("ssh", "socket", "unix"); popen and
via are always there. What goes to the port of "socket" goes through a proxy here, which cuts it.
Prints JSON: how many of which were killed, and everything that was not as it should be. Every
channel checks all its messages, in order. Whoever is killed, its channels get an error in time, and
no other notices; then another takes its place.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import signal
import socket
import sys
import threading
import time
from collections import Counter

import elsewhere
from elsewhere.errors import Error

IN_TIME = 20.0  # seconds in which a channel has to say that it is dead, or that it is alive
GONE = {"socket": 70.0}  # seconds in which a worker ends that was left behind (spec/socket.md)

# Of each gateway: one channel that answers, one that counts.
ECHO = """
import zlib
for number, data in channel:
    channel.send((number, len(data), zlib.crc32(data) & 0xffffffff, data[:1000]))
"""
COUNT = """
import os, time
channel.send(os.getpid())
number = 0
while True:
    channel.send((number, b"%d," % number * (number % 300) if str is not bytes else number))
    number += 1
    if number % 50 == 0:
        time.sleep(0.01)
        channel.receive()
"""


class Proxy:
    """Carries connections to a port, and can cut them all."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.threads = [threading.Thread(target=self.run, daemon=True)]
        self.threads[0].start()

    def run(self) -> None:
        while True:
            try:
                one, _ = self.listener.accept()
                other = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            self.pairs.append((one, other))
            for pair in (one, other), (other, one):
                self.threads.append(threading.Thread(target=self.carry, args=pair, daemon=True))
                self.threads[-1].start()

    def carry(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        for end in source, sink:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        self.listener.close()
        self.cut()
        for thread in self.threads:
            thread.join()


def born(pid: int) -> str | None:
    """When it was, which tells it from a later one of the same number; None: it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


class Talk(threading.Thread):
    """One channel and all that goes over it."""

    def __init__(self, house: House, channel: object, name: str) -> None:
        super().__init__(daemon=True, name=name)
        self.house, self.channel = house, channel
        self.number = 0
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.talk()
        except (EOFError, OSError, Error) as error:
            self.error = error
        except BaseException as error:  # what no channel may say
            self.error = error
            self.house.wrong.append(f"{self.name}: {error!r}")

    def talk(self) -> None:
        raise NotImplementedError


class Asking(Talk):
    def talk(self) -> None:
        import zlib

        chance = random.Random(self.name)
        while not self.house.over:
            size = chance.choice([0, 1, 100, 5000, 70_000, 400_000])
            data = chance.randbytes(min(size, 5000)) * max(1, size // 5000)
            burst = chance.choice([1, 1, 5])
            for step in range(burst):
                self.channel.send((self.number + step, data))
            for _ in range(burst):
                answer = self.channel.receive(IN_TIME * 3)
                wanted = (self.number, len(data), zlib.crc32(data), data[:1000])
                assert answer == wanted, (answer[:3], wanted[:3])
                self.number += 1
            time.sleep(chance.random() * 0.02)


class Hearing(Talk):
    def talk(self) -> None:
        while not self.house.over:
            number, data = self.channel.receive(IN_TIME * 3)
            assert number == self.number, (number, self.number)
            assert data in (number, b"%d," % number * (number % 300)), number
            self.number += 1
            if self.number % 50 == 0:
                self.channel.send(None)


class Member:
    """One gateway, with its channels."""

    def __init__(self, house: House, kind: str, spec: str) -> None:
        self.house, self.kind = house, kind
        self.gateway = house.group.makegateway(spec)
        count = self.gateway.remote_exec(COUNT)
        self.worker = count.receive(IN_TIME)
        self.born = born(self.worker)
        name = f"{kind} {self.gateway.id}"
        self.talks = [
            Asking(house, self.gateway.remote_exec(ECHO), name + " asks"),
            Hearing(house, count, name + " hears"),
        ]
        self.leaves: list[Member] = []

    def everybody(self) -> list[Member]:
        return [self, *(one for leaf in self.leaves for one in leaf.everybody())]


class House:
    def __init__(self, specs: dict[str, str], seed: int, patient: bool) -> None:
        self.chance = random.Random(seed)
        self.patient = patient
        self.group = elsewhere.Group()
        self.over = False
        self.wrong: list[str] = []
        self.killed: Counter[str] = Counter()
        self.said: Counter[str] = Counter()
        self.left: list[tuple[float, int, str | None, str]] = []  # until, worker, born, of whom
        self.proxy: Proxy | None = None
        if "socket" in specs:
            address, _, rest = specs["socket"].removeprefix("socket=").partition("//")
            host, _, port = address.rpartition(":")
            self.proxy = Proxy(int(port))
            specs["socket"] = f"socket={host}:{self.proxy.port}//{rest}"
        self.specs = {"popen": "popen", "pure": "popen//engine=no", "relay": "popen", **specs}
        self.members: list[Member] = []

    def enter(self, kind: str) -> Member:
        member = Member(self, kind, self.specs[kind])
        if kind == "relay":
            for spec in "via={}", "popen//engine=no//via={}":
                leaf = Member(self, "leaf", spec.format(member.gateway.id))
                member.leaves.append(leaf)
            deeper = Member(self, "leaf", f"via={member.leaves[0].gateway.id}")
            member.leaves[0].leaves.append(deeper)
        self.members.append(member)
        return member

    def kill(self) -> None:
        """One part; returns when all that went with it have said so, and others took its place."""
        chance = self.chance
        top = chance.choice(self.members)
        victim = chance.choice(top.everybody())
        ways = ["worker", "worker", "pause", "birth"]
        ways += {"ssh": ["link"], "unix": ["link"], "socket": ["cut", "cut"]}.get(victim.kind, [])
        if victim.kind == "socket" and self.patient:
            ways.append("link")
        how = chance.choice(ways)
        time.sleep(chance.random() * 0.05)
        begun = time.monotonic()
        dead: list[Member] = []
        if how == "worker":
            os.kill(victim.worker, signal.SIGKILL)
            dead = victim.everybody()
        elif how == "link":
            os.kill(victim.gateway._pid, signal.SIGKILL)
            dead = victim.everybody()
        elif how == "cut":
            assert self.proxy is not None
            self.proxy.cut()
        elif how == "birth":
            self.kill_at_birth(chance.choice([k for k in self.specs if k != "relay"]))
        elif how == "pause":
            os.kill(victim.worker, signal.SIGSTOP)
            try:
                aside = [one for one in self.all() if one not in victim.everybody()]
                self.all_go_on(aside, f"beside a stopped {victim.kind}")
            finally:
                os.kill(victim.worker, signal.SIGCONT)
        self.killed[f"{victim.kind}: {how}"] += 1
        for one in dead:
            for talk in one.talks:
                talk.join(max(0.1, begun + IN_TIME - time.monotonic()))
                if talk.is_alive():
                    self.wrong.append(f"{talk.name}: silent after {how} of {victim.kind}")
                elif talk.error is not None:
                    self.said[type(talk.error).__name__] += 1
            patience = GONE.get(one.kind, 25.0) if how == "link" else 25.0
            self.left.append((begun + patience, one.worker, one.born, f"{one.kind} after {how}"))
        alive = [one for one in self.all() if one not in dead]
        for one in alive:
            for talk in one.talks:
                if talk.error is not None:
                    self.wrong.append(f"{talk.name}: {talk.error!r} after {how} of {victim.kind}")
        if dead:
            if victim is top:
                self.members.remove(top)
            else:  # the rest of the tree goes in peace
                for talk in (talk for one in top.everybody() for talk in one.talks):
                    talk.house = Left
                self.members.remove(top)
            for one in reversed(top.everybody()):
                started = time.monotonic()
                one.gateway.close(5)
                if time.monotonic() - started > 8:
                    self.wrong.append(f"{one.kind}: close took {time.monotonic() - started:.1f} s")
            for talk in (talk for one in top.everybody() for talk in one.talks):
                talk.join(IN_TIME)
                if talk.is_alive():
                    self.wrong.append(f"{talk.name}: silent after its gateway was closed")
            self.enter(top.kind)

    def kill_at_birth(self, kind: str) -> None:
        """A gateway whose process is killed while it starts: an error, or it came to live."""
        before = set(children())
        outcome: list[object] = []

        def start() -> None:
            try:
                outcome.append(self.group.makegateway(self.specs[kind]))
            except (Error, OSError, EOFError) as error:
                outcome.append(error)
            except BaseException as error:
                outcome.append(error)
                self.wrong.append(f"birth of {kind}: {error!r}")

        thread = threading.Thread(target=start, daemon=True)
        thread.start()
        time.sleep(self.chance.random() * 0.08)
        known = {one.gateway._pid for one in self.all()}
        for child in set(children()) - before - known:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        thread.join(IN_TIME)
        if thread.is_alive():
            self.wrong.append(f"birth of {kind}: never ended")
        elif isinstance(outcome[0], elsewhere.Gateway):
            outcome[0].close(5)
        else:
            self.said[f"birth: {type(outcome[0]).__name__}"] += 1

    def all(self) -> list[Member]:
        return [one for member in self.members for one in member.everybody()]

    def all_go_on(self, members: list[Member], when: str) -> None:
        before = {talk: talk.number for one in members for talk in one.talks}
        end = time.monotonic() + IN_TIME
        while before:
            before = {talk: n for talk, n in before.items() if talk.number == n}
            if time.monotonic() > end:
                for talk in before:
                    self.wrong.append(f"{talk.name} at {talk.number}: stands {when} {talk.error!r}")
                return
            time.sleep(0.005)

    def count_the_left(self, wait: bool = False) -> None:
        while self.left:
            now = time.monotonic()
            still = []
            for until, worker, when, of in self.left:
                if when is None or born(worker) != when:
                    continue
                if now > until:
                    self.wrong.append(f"{of}: process {worker} is still there")
                else:
                    still.append((until, worker, when, of))
            self.left = still
            if not wait:
                return
            time.sleep(0.05)


class Left:
    """In the place of a house, for talks whose gateway is being closed."""

    over = True
    wrong: list[str] = []


def children() -> list[int]:
    found: list[int] = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as file:
                found += map(int, file.read().split())
        except OSError:
            pass
    return found


def descriptors() -> dict[str, str]:
    gc.collect()
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found[name] = os.readlink(f"/proc/self/fd/{name}")
    return found


def main(seconds: float, kills: int, seed: int, specs: dict[str, str]) -> None:
    warm = elsewhere.Group()
    warm.makegateway("popen").remote_exec("channel.send(1)").receive()
    warm.terminate(5)
    del warm
    before = descriptors()
    house = House(specs, seed, patient=seconds > 60)
    for kind in house.specs:
        house.enter(kind)
    begun = time.monotonic()
    while sum(house.killed.values()) < kills and time.monotonic() - begun < seconds:
        house.kill()
        house.all_go_on(house.all(), "after a kill")
        house.count_the_left()
        if len(house.wrong) > 20:
            break
    messages = sum(talk.number for one in house.all() for talk in one.talks)
    house.over = True
    house.left += [
        (time.monotonic() + 25, one.worker, one.born, one.kind + " at the end")
        for one in house.all()
    ]
    for talk in (talk for one in house.all() for talk in one.talks):
        talk.house = Left
    started = time.monotonic()
    house.group.terminate(5)
    took = time.monotonic() - started
    if took > 7:
        house.wrong.append(f"terminate(5) took {took:.1f} s")
    for talk in (talk for one in house.all() for talk in one.talks):
        talk.join(IN_TIME)
        if talk.is_alive():
            house.wrong.append(f"{talk.name}: silent at the end")
    house.count_the_left(wait=True)
    if house.proxy is not None:
        house.proxy.close()
    house.members.clear()
    del talk  # and with it its gateway
    until = time.monotonic() + 6  # the Python that workers are forked from outlives them by 2 s
    while children() and time.monotonic() < until:
        time.sleep(0.05)
    if orphans := children():
        house.wrong.append(f"children are left: {orphans}")
    time.sleep(0.2)
    more = {n: what for n, what in descriptors().items() if n not in before}
    more = {n: what for n, what in more.items() if not what.endswith("/fd")}
    if more:
        house.wrong.append(f"descriptors are left: {more}")
    result = {
        "seconds": round(time.monotonic() - begun, 1),
        "kills": dict(house.killed),
        "said": dict(house.said),
        "messages": messages,
        "terminate": round(took, 2),
        "wrong": house.wrong,
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))
