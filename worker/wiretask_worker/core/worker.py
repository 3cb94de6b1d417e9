"""The worker as pure decisions: messages and ends of attempts in, messages and starts of attempts out.

Knows slots, leases, the session and time as an argument; nothing of sockets, clocks, threads or handlers. After each
call take the Turn and do what it says; `deadline` says when to call `tick` at the latest.

    worker.opened(nonce, now)            there is a stream
    worker.receive_many(messages, now)   what came on it
    worker.ended_many(ended, now)        attempts have ended
    worker.lost(now)                     the stream has ended
"""

from __future__ import annotations

from collections.abc import Sequence

from wiretask_protocol.authentication import Credentials
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.limits import RELAY_HEADROOM, RESUME_GRACE_MS
from wiretask_protocol.messages import Goodbye, GoodbyeReason, Progress, ReturnReason, Task, ToWorker
from wiretask_worker.core.assignment import Assignment, Ended
from wiretask_worker.core.line import Stage
from wiretask_worker.core.results import GivenBack
from wiretask_worker.core.session import Session
from wiretask_worker.core.settings import Settings
from wiretask_worker.core.turn import Turn


class Worker:
    """One worker, whatever connection it has at the moment."""

    def __init__(self, settings: Settings) -> None:
        self._session = Session(settings)
        self._line = self._session.line
        self._desk = self._session.desk

    # -- what the shell asks

    @property
    def frame_limit(self) -> int:
        """The frame limit in force once accepted."""
        return self._line.frame_limit

    @property
    def serving(self) -> bool:
        """Whether the scheduler has our subscription."""
        return self._line.serving

    @property
    def running(self) -> int:
        """How many leases are held."""
        return len(self._desk.held)

    @property
    def used(self) -> int:
        """How many slots are in use."""
        return self._desk.used

    @property
    def window(self) -> int:
        """How much the scheduler may have here, by cost."""
        return self._desk.window

    @property
    def lingering(self) -> int:
        """How many slots are held by handlers that go on although their end has been reported."""
        return self._desk.lingering

    @property
    def undelivered(self) -> int:
        """How many Results and Returns the scheduler has not accepted."""
        return len(self._desk.results)

    @property
    def drained(self) -> bool:
        """Whether a drain has come to its end: nothing is held, nothing waits to be accepted."""
        return self._desk.draining and not self._desk.held and not self._desk.results

    def gave_up(self, now: float) -> bool:
        """Whether a drain has waited for the scheduler long enough: it is gone, and results are left."""
        at = self._give_up_at()
        return at is not None and now >= at

    @property
    def stay_away(self) -> float:
        """How long to stay away from the scheduler, in seconds, as it said when the connection ended."""
        return self._session.stay_away

    def take_turn(self) -> Turn:
        """What is to be done now; a fresh Turn takes its place."""
        turn, self._desk.turn = self._desk.turn, Turn()
        return turn

    def deadline(self) -> float | None:
        """When to call `tick` at the latest (monotonic seconds)."""
        times = [self._line.deadline(), self._desk.deadline(), self._give_up_at()]
        if self._line.live and not self._desk.paused:
            times.append(self._desk.progress.due())
        return min((time for time in times if time is not None), default=None)

    # -- what happens to the connection

    def opened(self, nonce: int, now: float, *, proof_nonce: bytes = b"", certificate: bytes = b"") -> None:
        """There is a stream to the scheduler; `certificate` stands for the one that it has shown in TLS.

        A worker with credentials is given a `proof_nonce`, too: 32 octets of a source fit for secrets.
        """
        self._session.stay_away = 0.0
        self._desk.turn.sends.append(self._line.open(nonce, now, proof_nonce, certificate))
        self._session.settle(now)

    def renew(self, credentials: Credentials | None) -> None:
        """What proves who this is, from the next connection on."""
        self._line.credentials = credentials

    def heard(self, now: float) -> None:
        """Octets came, whole messages or not."""
        self._line.heard_at = now

    def receive_many(self, messages: Sequence[ToWorker], now: float) -> None:
        """Messages came, in this order."""
        desk = self._desk
        for message in messages:
            if type(message) is Task:
                desk.arrive(message, now)
            else:
                self._session.receive(message, now)
        self._session.settle(now)

    def lost(self, now: float) -> None:
        """The stream has ended. What runs goes on, what has ended is kept for the next connection."""
        self._session.disconnect(now)

    # -- what happens here

    def ended_many(self, ended: Sequence[Ended], now: float) -> None:
        """Attempts have ended."""
        self._desk.end_many(ended, now)
        self._session.settle(now)

    def progressed(
        self, assignment: Assignment, current: int, total: int, body: bytes, text: str | None, now: float
    ) -> None:
        """A handler says how far it is. `text` fits into its field."""
        if self._line.live and len(body) <= self._line.frame_limit - RELAY_HEADROOM:
            progress = Progress(assignment.task_id, assignment.lease, current, total, body, text)
            self._desk.advance_progress(assignment, progress)
            self._send_progress(now)
            self._session.settle(now)

    def pause(self, *, paused: bool, now: float) -> None:
        """The output is full, or it is not any more."""
        self._desk.paused = paused
        self._session.settle(now)

    def drain(self, now: float) -> None:
        """Finish what runs, give back what has not begun, take nothing more."""
        if self._desk.draining:
            return
        self._desk.draining = True
        named = self._line.stage in (Stage.RESUMING, Stage.SERVING, Stage.LEAVING)
        if self._line.serving:
            self._desk.turn.sends.append(Goodbye(GoodbyeReason.DRAIN))
        self._desk.give_up_waiting(GivenBack(ReturnReason.DRAIN) if named else None)
        self._session.settle(now)

    def tick(self, now: float) -> None:
        """Time has passed."""
        turn = self._desk.turn
        why = self._line.overdue(now)
        if why is not None:
            turn.note("warning", f"{why}; connecting anew")
            if self._line.stage is not Stage.OPENING:
                turn.sends.append(error_message(ErrorCode.SILENT))
            turn.close = True
        elif self._line.ping_due(now):
            turn.sends.append(self._line.ping())
        self._desk.tick(now)
        self._send_progress(now)
        self._session.settle(now)

    def _send_progress(self, now: float) -> None:
        due = self._desk.progress.due()
        if due is not None and due <= now and self._line.live and not self._desk.paused:
            self._desk.turn.sends += self._desk.progress.take(now)

    def _give_up_at(self) -> float | None:
        since = self._session.alone_since
        if since is None or not self._desk.draining or self._desk.held:
            return None
        return since + RESUME_GRACE_MS / 1000
