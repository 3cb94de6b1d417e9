"""What has been reported and not yet accepted: Results and Returns in the order of their seq.

Both are kept until they are accepted, and sent again on the next connection if the scheduler lets their lease live
(PROTOCOL.md, Resume). Only what says that a lease is kept is not: a resume says so too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from wiretask_protocol.limits import IN_FLIGHT
from wiretask_protocol.messages import HeldLease, Result, Return, ReturnReason, ToScheduler
from wiretask_worker.core.assignment import Finished


class GivenBack(NamedTuple):
    """Why a task was given back, or kept."""

    reason: ReturnReason
    text: str | None = None


_Kept = tuple[bytes, int, Finished | GivenBack]


class Results:
    """The Results and Returns of this worker until the scheduler has accepted them."""

    def __init__(self) -> None:
        #: How many messages may be unaccepted on this connection.
        self.in_flight = IN_FLIGHT
        #: Whether the connection takes them now.
        self.live = False
        #: Octets of the reports that are kept.
        self.octets = 0
        self._seq = 0
        self._unaccepted: deque[tuple[int, _Kept]] = deque()
        self._unsent: deque[_Kept] = deque()

    def __len__(self) -> int:
        return len(self._unaccepted) + len(self._unsent)

    def put(self, task_id: bytes, lease: int, end: Finished | GivenBack, sends: list[ToScheduler]) -> None:
        """Sends it now where that is possible, else as soon as it is."""
        kept = (task_id, lease, end)
        if type(end) is Finished:
            self.octets += len(end.report)
        if self.live and not self._unsent and len(self._unaccepted) < self.in_flight:
            self._send(kept, sends)
        else:
            self._unsent.append(kept)

    def flush(self, sends: list[ToScheduler]) -> None:
        """Sends what waits, as far as the connection takes it."""
        while self.live and self._unsent and len(self._unaccepted) < self.in_flight:
            self._send(self._unsent.popleft(), sends)

    def accept(self, seq: int) -> bool:
        """All up to seq are durable. False for a seq that has not been sent."""
        unaccepted = self._unaccepted
        while unaccepted and unaccepted[0][0] <= seq:
            self._forget(unaccepted.popleft()[1])
        return seq <= self._seq

    def disconnect(self, *, leaving: bool) -> None:
        """The connection is lost: what is not accepted waits for the next one.

        Who is leaving does not stay for a Return: a lease that nobody resumes is given back by that.
        """
        kept = [kept for _, kept in self._unaccepted] + list(self._unsent)
        self._unaccepted.clear()
        self._unsent = deque(entry for entry in kept if _survives(entry[2], leaving=leaving))
        self._seq = 0
        self.live = False

    def leases(self) -> Iterator[HeldLease]:
        """The leases of what waits to be sent."""
        return (HeldLease(task_id, lease) for task_id, lease, _ in self._unsent)

    def retain(self, kept: set[HeldLease]) -> None:
        """Forgets what waits to be sent under leases that are not kept."""
        unsent, self._unsent = self._unsent, deque()
        for entry in unsent:
            if HeldLease(entry[0], entry[1]) in kept:
                self._unsent.append(entry)
            else:
                self._forget(entry)

    def _forget(self, kept: _Kept) -> None:
        end = kept[2]
        if isinstance(end, Finished):
            self.octets -= len(end.report)

    def _send(self, kept: _Kept, sends: list[ToScheduler]) -> None:
        self._seq = seq = self._seq + 1
        self._unaccepted.append((seq, kept))
        task_id, lease, end = kept
        if type(end) is Finished:
            sends.append(
                Result(seq, task_id, lease, end.outcome, end.report, end.no_retry, end.retry_after, end.exit_status)
            )
        elif type(end) is GivenBack:
            sends.append(Return(seq, task_id, lease, *end))


def _survives(end: Finished | GivenBack, *, leaving: bool) -> bool:
    return isinstance(end, Finished) or not (leaving or end.reason is ReturnReason.KEPT)
