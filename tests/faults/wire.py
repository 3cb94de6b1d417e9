"""The wire between two network namespaces: passes packets on from one interface to the other, and does to them as told.

    python wire.py INTERFACE INTERFACE

On standard input a line of words such as `loss=0.05 delay=0.02`, each answered with `done`; `count=1` asks for what has
been passed on, lost, doubled and cut off. Everything that is not said is off. It knows nothing of this project.
"""

from __future__ import annotations

import heapq
import itertools
import random
import selectors
import socket
import sys
import time
from collections import Counter

_ALL = 3
_LONGEST = 65536
#: Of the selector: the ends are 0 and 1.
_TOLD = 2
#: Of the seed of what is lost: the same run loses as much, if not the same.
_SEED = 5


class Wire:
    """Both interfaces, and what is on its way."""

    def __init__(self, one: str, other: str) -> None:
        self.ends = [self._open(one), self._open(other)]
        self.what: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self.chance = random.Random(_SEED)
        self.numbers = itertools.count()
        self.under_way: list[tuple[float, int, socket.socket, bytes]] = []

    @staticmethod
    def _open(name: str) -> socket.socket:
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        end.bind((name, 0))
        end.setblocking(False)
        return end

    def take(self, here: socket.socket, there: socket.socket) -> None:
        """Takes what has come at one end."""
        while True:
            try:
                packet, address = here.recvfrom(_LONGEST)
            except BlockingIOError:
                return
            if address[2] != socket.PACKET_OUTGOING:
                self._pass(packet, there)

    def _pass(self, packet: bytes, there: socket.socket) -> None:
        if self.what.get("cut"):
            self.counts["cut"] += 1
            return
        if self.chance.random() < self.what.get("loss", 0.0):
            self.counts["lost"] += 1
            return
        times = 1 + (self.chance.random() < self.what.get("double", 0.0))
        self.counts["doubled"] += times - 1
        for _ in range(times):
            late = self.what.get("delay", 0.0) + self.chance.random() * self.what.get("jitter", 0.0)
            heapq.heappush(self.under_way, (time.monotonic() + late, next(self.numbers), there, packet))

    def give(self) -> float | None:
        """Gives what is due; in how many seconds more is."""
        while self.under_way and self.under_way[0][0] <= time.monotonic():
            _, _, there, packet = heapq.heappop(self.under_way)
            try:
                there.send(packet)
                self.counts["passed"] += 1
            except OSError:
                # Its queue is full, or the packet is one that no wire takes: TCP sends it again.
                self.counts["lost"] += 1
        return max(0.0, self.under_way[0][0] - time.monotonic()) if self.under_way else None

    def told(self, line: str) -> None:
        """Does from now on what a line says, and answers it."""
        words = dict(word.split("=") for word in line.split())
        if words.pop("count", None):
            names = ("passed", "lost", "doubled", "cut")
            print(" ".join(f"{name}={self.counts[name]}" for name in names), flush=True)
            return
        self.what = {name: float(value) for name, value in words.items()}
        print("done", flush=True)


def main() -> None:
    wire = Wire(*sys.argv[1:])
    selector = selectors.DefaultSelector()
    for number, end in enumerate(wire.ends):
        selector.register(end, selectors.EVENT_READ, number)
    selector.register(sys.stdin, selectors.EVENT_READ, _TOLD)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select(wire.give()):
            if key.data == _TOLD:
                line = sys.stdin.readline()
                if not line:
                    return
                wire.told(line)
            else:
                here = key.data
                wire.take(wire.ends[here], wire.ends[1 - here])


if __name__ == "__main__":
    main()
