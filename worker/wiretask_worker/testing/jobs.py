"""A task of the bench, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wiretask_protocol import codec
from wiretask_protocol.messages import Encoding, Outcome, Progress, TaskState
from wiretask_scheduler.core import explain
from wiretask_scheduler.core.records import StoredTask

if TYPE_CHECKING:
    from wiretask_worker.testing.bench import Bench


class NotEnded(AssertionError):  # noqa: N818 -- named for what happened
    """A result was asked for of a task that goes on; the text says why it has none."""


class JobFailed(Exception):  # noqa: N818
    """A result was asked for of a task that ended without one."""

    def __init__(self, outcome: str, error_type: str | None, message: str | None) -> None:
        self.outcome = outcome
        self.error_type = error_type
        self.message = message
        super().__init__(f"{outcome}: {error_type}: {message}")


class Job:
    """A task of the bench."""

    def __init__(self, bench: Bench, task_id: bytes) -> None:
        self._bench = bench
        self.task_id = task_id
        #: The Progress that its handler has said, as it came to its client.
        self.progress: list[Progress] = []
        #: The members, where it is the callback of a group, or those before it in a chain.
        self.members: tuple[Job, ...] = ()

    @property
    def state(self) -> str:
        """waiting, scheduled, ready, leased, succeeded, dead, cancelled or expired."""
        live = self._bench.broker.state.tasks.get(self.task_id)
        return TaskState(int(live.state) if live is not None else self._stored().state).name.lower()

    @property
    def why(self) -> str:
        """Why it is not running, in words; nothing where it runs or has ended."""
        live = self._bench.broker.state.tasks.get(self.task_id)
        return explain.why(self._bench.broker.state, live)[1] if live is not None else ""

    @property
    def attempts(self) -> list[tuple[str, str | None, str | None]]:
        """(outcome, error type, message) of each attempt that failed."""
        live = self._bench.broker.state.tasks.get(self.task_id)
        record = self._stored() if live is None else live.rare
        history = record.history if record is not None else ()
        return [(Outcome(one.outcome).name.lower(), one.error_type, one.error_message) for one in history]

    def result(self) -> Any:
        """What its handler returned. Raises JobFailed, or NotEnded where it goes on."""
        if self._bench.broker.state.tasks.get(self.task_id) is not None:
            raise NotEnded(f"it is {self.state}: {self.why or 'its handler waits for time'}; advance the bench")
        stored = self._stored()
        report = codec.decode_report(stored.report or b"")
        if stored.outcome != Outcome.SUCCEEDED:
            raise JobFailed(Outcome(stored.outcome or 0).name.lower(), report.error_type, report.error_message)
        return report.body if report.encoding == Encoding.RAW else msgspec.json.decode(report.body)

    def cancel(self, *, tree: bool = False) -> None:
        """Stops it, and with `tree` all that wait for it."""
        self._bench.broker.cancel(self.task_id, self._bench.moment, tree=tree)
        self._bench.settle()

    def _stored(self) -> StoredTask:
        return self._bench.store.tasks([self.task_id])[self.task_id]
