"""What may leave now: joins envelopes to the Tasks that go out, and keeps the order of each peer.

Envelopes wait here from their Submit to the end of their task, as long as the budget allows; those that are not durable
yet are never dropped. What is not here is read from the store, and what was to follow it on the same connection waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from wiretask_protocol.codec import ENCODERS
from wiretask_protocol.messages import Task
from wiretask_scheduler.core import Dispatch, Turn
from wiretask_scheduler.core.turn import Send

#: Envelopes that are kept in memory, by their octets.
BODY_BUDGET = 256 << 20

Write = Callable[[int, bytes], None]
Fetch = Callable[[Sequence[int], Callable[[dict[int, bytes]], None]], None]


class Outbox:
    """`write` sends octets to a peer; `fetch` reads envelopes from the store and calls back on the loop."""

    def __init__(self, write: Write, fetch: Fetch, budget: int = BODY_BUDGET) -> None:
        self._write = write
        self._fetch = fetch
        self._budget = budget
        self._bodies: dict[int, bytes] = {}
        self._octets = 0
        self._durable = 0
        self._waiting: dict[int, deque[Sequence[Send]]] = {}

    def take(self, turn: Turn) -> None:
        """Keeps the envelopes of a turn that is on its way to the store."""
        for row in turn.changes.inserted:
            self._bodies[row.seq] = row.envelope
            self._octets += len(row.envelope)

    def release(self, turn: Turn) -> None:
        """A turn is durable: what it said may leave."""
        inserted = turn.changes.inserted
        if inserted:
            self._durable = inserted[-1].seq
        for peer, sends in turn.sends.items():
            waiting = self._waiting.get(peer)
            if waiting is not None:
                waiting.append(sends)
            else:
                self._send(peer, sends)
        for row in turn.changes.ended:
            body = self._bodies.pop(row.seq, None)
            if body is not None:
                self._octets -= len(body)
        if self._octets > self._budget:
            self._evict()

    def forget(self, peer: int) -> None:
        """A peer is gone."""
        self._waiting.pop(peer, None)

    def _send(self, peer: int, sends: Sequence[Send]) -> None:
        frames: list[bytes] = []
        for index, send in enumerate(sends):
            if type(send) is not Dispatch:
                frames.append(ENCODERS[type(send)](send))  # type: ignore[index] # every Send but Dispatch is a message
                continue
            task = send.task
            if task.lease != send.lease:
                continue
            body = self._bodies.get(task.seq)
            if body is None:
                self._wait_for_bodies(peer, sends[index:])
                break
            options = task.options
            frames.append(
                _ENCODE_TASK(
                    Task(
                        task.id,
                        send.lease,
                        send.attempt,
                        options.time_limit,
                        send.remaining,
                        body,
                        options.cost if options.cost > 1 else None,
                    )
                )
            )
        if frames:
            self._write(peer, b"".join(frames))

    def _wait_for_bodies(self, peer: int, sends: Sequence[Send]) -> None:
        missing = [
            send.task.seq
            for send in sends
            if isinstance(send, Dispatch) and send.task.lease == send.lease and send.task.seq not in self._bodies
        ]
        self._waiting[peer] = deque([sends])

        def arrived(bodies: dict[int, bytes]) -> None:
            for seq, body in bodies.items():
                if seq not in self._bodies:
                    self._bodies[seq] = body
                    self._octets += len(body)
            waiting = self._waiting.pop(peer, None)
            while waiting:
                self._send(peer, waiting.popleft())
                blocked = self._waiting.get(peer)
                if blocked is not None:
                    blocked.extend(waiting)
                    return

        self._fetch(missing, arrived)

    def _evict(self) -> None:
        """Drops the oldest envelopes that are durable, down to nine tenths of the budget."""
        for seq in list(self._bodies):
            if self._octets <= self._budget * 9 // 10:
                break
            if seq <= self._durable:
                self._octets -= len(self._bodies.pop(seq))


_ENCODE_TASK = ENCODERS[Task]
