"""The shell of the scheduler, with a committer and questions that need no threads; everything else is as it is."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from clockwork import Process
from disk import Disk, DiskStore, SlowCommitter

from wiretask_scheduler.calendar import CALENDAR
from wiretask_scheduler.core import Broker, Settings
from wiretask_scheduler.flow import Flow
from wiretask_scheduler.session import SessionSettings

_SETTINGS = Settings(resume_grace_seconds=5.0, retention_seconds=36000.0)
_SESSIONS = SessionSettings(heartbeat_ms=1000, handshake_seconds=5.0, dedup_window_ms=36_000_000)
#: Envelopes that are kept in memory: few, so that many are read from the disk again.
_BODY_OCTETS = 2000


class Surroundings(Protocol):
    """What a scheduler has around it."""

    disk: Disk
    chance: Random
    disk_chance: Random

    def boundary(self, name: str) -> None:
        """The store has come to a point where a crash may make a difference."""

    def begun(self, flow: SimFlow) -> None:
        """A scheduler begins."""

    def left(self, number: int) -> None:
        """The scheduler has heard that a connection is over."""

    def heard(self, number: int, message: Any) -> None:
        """The scheduler has got a message."""

    def said(self, number: int, message: Any) -> None:
        """What the scheduler has said is durable and leaves."""


class SimFlow(Flow):
    """One scheduler over the disk."""

    def __init__(self, around: Surroundings, process: Process) -> None:
        self.around = around
        self.process = process
        chance = around.chance
        super().__init__(
            Broker(_SETTINGS, chance.random, lambda: chance.randbytes(16), CALENDAR),
            DiskStore(around.disk),
            _SESSIONS,
            connections_per_address=1000,
            body_budget=_BODY_OCTETS,
            failed=lambda error: process.machine.failures.append(f"the scheduler gave up: {error!r}"),
        )
        self.questions: Any = SlowQuestions(around, process)
        around.begun(self)

    def _make_committer(self, failed: Callable[[Exception], None]) -> Any:
        around = self.around
        store = DiskStore(around.disk)
        return SlowCommitter(self.process, store, around.disk_chance, self._release, around.boundary)

    def receive(self, number: int, messages: Any) -> None:
        """Messages of a peer, noted in the stories of their tasks."""
        for message in messages:
            self.around.heard(number, message)
        super().receive(number, messages)

    def leave(self, number: int, leaving: Any) -> None:
        """A peer is gone."""
        self.around.left(number)
        super().leave(number, leaving)

    def _release_turn(self, turn: Any) -> None:
        for peer, sends in turn.sends.items():
            for send in sends:
                self.around.said(peer, send)
        super()._release_turn(turn)


class SlowQuestions:
    """Answers from the store, a little later."""

    def __init__(self, around: Surroundings, process: Process) -> None:
        self._around = around
        self._process = process

    def ask(self, question: Callable[[], Any], answer: Callable[[Any], None]) -> None:
        """Asks, and gives the answer to a function."""
        delay = self._around.disk_chance.choice((0.0, 0.001))
        self._process.loop.call_later(delay, lambda: answer(question()))

    async def read(self, question: Callable[[], Any]) -> Any:
        """The answer to a question."""
        return question()

    def close(self) -> None:
        """Nothing is open."""
