"""Does what the core decides: writes its messages, starts and stops attempts, keeps its timer. Decides nothing itself.

Everything here happens on the event loop. `pump` is the one place where a Turn of the core is carried out; every event
ends in it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from wiretask_protocol.authentication import NONCE_OCTETS
from wiretask_protocol.codec import decode_report
from wiretask_protocol.messages import AnyMessage, Outcome, ToWorker
from wiretask_worker.context import id_text
from wiretask_worker.core.assignment import Assignment, Ended, Finished
from wiretask_worker.core.settings import Settings
from wiretask_worker.core.texts import fit
from wiretask_worker.core.turn import Turn
from wiretask_worker.core.worker import Worker
from wiretask_worker.counts import Counts
from wiretask_worker.errors import RefusedError, WorkerError
from wiretask_worker.executors.base import Executor
from wiretask_worker.executors.inline import InlineExecutor
from wiretask_worker.link import Link
from wiretask_worker.logs import about, escape

_LOG = logging.getLogger(__name__)
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
#: After a stall of the loop, sockets are read before timers judge who was silent.
_STALL_SECONDS = 0.5
_EXCUSE_SECONDS = 0.05
_PROGRESS_TEXT_OCTETS = 1024
_SUCCEEDED = int(Outcome.SUCCEEDED)


class Engine:
    """A core, its executors and its present connection."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop, ready: Callable[[], None]) -> None:
        self.core = Worker(settings)
        self._frame_limit = settings.frame_limit
        self._loop = loop
        self._ready = ready
        self._executors: Mapping[str, Executor] = {}
        self._inline: InlineExecutor | None = None
        #: Only where somebody looks: counting is not for nothing.
        self._counts: Counts | None = None
        self._link: Link | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._excused = False
        self._soon = False
        self._running = False
        #: Why the last connection has ended.
        self.last_words = ""
        #: Attempts that have ended here.
        self.done = 0
        #: Done when there is nothing more to do; holds the WorkerError if that is why, else how many results were not
        #: delivered. What crosses our Goodbye is given back after it and does not count: the scheduler gives to others
        #: what a worker had that has left.
        self.finished: asyncio.Future[int] = loop.create_future()

    def employ(self, executors: Mapping[str, Executor], inline: InlineExecutor | None) -> None:
        """Says where each type of task runs. Once, before anything else."""
        self._executors = executors
        self._inline = inline

    def count(self) -> Counts:
        """Counts from now on. Once, before anything else."""
        self._counts = Counts()
        return self._counts

    def new_link(self) -> Link:
        """For `create_connection`."""
        return Link(self, self._frame_limit)

    # -- what executors say

    def ended(self, ended: Sequence[Ended]) -> None:
        """Attempts have ended."""
        if self._counts is not None:
            self._counts.end(ended, self._loop.time())
        self._have_ended(ended)

    def _have_ended(self, ended: Sequence[Ended]) -> None:
        self.done += len(ended)
        for assignment, finished in ended:
            if finished.outcome != _SUCCEEDED:
                _tell(assignment, finished)
        self.core.ended_many(ended, self._loop.time())
        self.pump()

    def stepped(self, assignment: Assignment, current: int, total: int, body: bytes, text: str | None) -> None:
        """A handler says how far it is."""
        short = None if text is None else fit(text, _PROGRESS_TEXT_OCTETS)
        self.core.progressed(assignment, current, total, body, short, self._loop.time())
        self._pump_soon()

    # -- what the link says

    def on_open(self, link: Link) -> None:
        """There is a stream."""
        self._link = link
        if self._counts is not None:
            self._counts.connections += 1
        nonce, proof_nonce = secrets.randbits(64), secrets.token_bytes(NONCE_OCTETS)
        self.core.opened(nonce, self._loop.time(), proof_nonce=proof_nonce, certificate=link.certificate)
        self.pump()

    def on_messages(self, messages: Sequence[AnyMessage]) -> int:
        """Messages have come; `on_octets` follows."""
        # The connection machine lets no others in.
        self.core.receive_many(cast("Sequence[ToWorker]", messages), self._loop.time())
        return self.core.frame_limit

    def on_octets(self) -> None:
        """Octets have come."""
        self.core.heard(self._loop.time())
        self.pump()

    def on_pause(self, *, paused: bool) -> None:
        """The output is full, or it is not any more."""
        self.core.pause(paused=paused, now=self._loop.time())
        self._pump_soon()

    def on_close(self, reason: str) -> None:
        """The stream has ended."""
        self._link = None
        self.last_words = reason
        self.core.lost(self._loop.time())
        self.pump()

    # -- what the process says

    def drain(self) -> None:
        """Finish what runs, give back the rest, then end."""
        self.core.drain(self._loop.time())
        self.pump()

    def fail(self, error: WorkerError) -> None:
        """The worker cannot go on."""
        if not self.finished.done():
            self.finished.set_exception(error)

    def close(self) -> None:
        """Leaves the scheduler and stops the executors, whatever runs."""
        if self._timer is not None:
            self._timer.cancel()
        if self._link is not None:
            self._link.close("the worker stops")
        for executor in {id(executor): executor for executor in self._executors.values()}.values():
            executor.close()

    # -- the pump

    def pump(self) -> None:
        """Carries out what the core has decided. A bug ends the worker: half of a Turn is worse than a new start."""
        try:
            self._carry_out(self.core.take_turn())
        except Exception as error:
            _LOG.exception("a bug in the worker")
            self.fail(WorkerError(f"the worker has a bug ({error!r}); please report it"))

    def _carry_out(self, turn: Turn) -> None:
        link = self._link
        if link is not None and (turn.sends or turn.grease):
            link.send(turn.sends, grease=turn.grease)
        if self._counts is not None:
            apart = [each for each in turn.starts if self._executors[each.envelope.type] is not self._inline]
            self._counts.begin(apart, self._loop.time())
        for assignment in turn.starts:
            self._executors[assignment.envelope.type].start(assignment)
        for stop in turn.stops:
            self._executors[stop.assignment.envelope.type].stop(stop.assignment, stop.mode)
        if self._inline is not None and self._inline.busy:
            self._run_soon()
        self._say(turn)
        if turn.close and link is not None:
            link.close("the worker has closed it")
        self._set_timer()
        if self.core.drained or self.core.gave_up(self._loop.time()):
            self._finish()

    def _say(self, turn: Turn) -> None:
        for note in turn.notes:
            _LOG.log(_LEVELS[note.level], "%s", escape(note.text))
        if turn.ready:
            self._ready()
        if turn.refused is not None:
            self.fail(RefusedError(escape(turn.refused)))

    def _finish(self) -> None:
        if not self.finished.done():
            self.finished.set_result(self.core.undelivered)

    def _pump_soon(self) -> None:
        if not self._soon:
            self._soon = True
            self._loop.call_soon(self._pump_now)

    def _pump_now(self) -> None:
        self._soon = False
        self.pump()

    def _run_soon(self) -> None:
        """Inline attempts begin after the sockets have been looked at once more: batches grow under load."""
        if not self._running:
            self._running = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._running = False
        if self._inline is None:
            return
        if self._counts is None:
            self._have_ended(self._inline.run(self._loop.time))
            return
        began = time.perf_counter()
        ended = self._inline.run(self._loop.time)
        self._counts.end_together(ended, time.perf_counter() - began)
        self._have_ended(ended)

    def _set_timer(self) -> None:
        deadline = self.core.deadline()
        if deadline is None:
            return
        if self._timer is not None:
            if self._rings_at <= deadline:
                return  # it rings early, and is set anew then
            self._timer.cancel()
        self._rings_at = deadline
        self._timer = self._loop.call_at(deadline, self._ring)

    def _ring(self) -> None:
        now = self._loop.time()
        self._timer = None
        if now - self._rings_at > _STALL_SECONDS and not self._excused:
            self._excused = True
            self._rings_at = now + _EXCUSE_SECONDS
            self._timer = self._loop.call_at(self._rings_at, self._ring)
            return
        self._excused = False
        self.core.tick(now)
        self.pump()


def _tell(assignment: Assignment, finished: Finished) -> None:
    """The log of a worker names every attempt that did not succeed; where it was raised, on request."""
    report = decode_report(finished.report)
    task, outcome = id_text(assignment.task_id), Outcome(finished.outcome).name.lower()
    what = escape(f"{report.error_type}: {report.error_message}")
    kind, attempt = assignment.envelope.type, assignment.attempt
    fields = about(task=task, type=kind, attempt=attempt, outcome=outcome)
    _LOG.warning("task %s (%s), attempt %d, %s: %s", task, kind, attempt, outcome, what, extra=fields)
    if report.traceback is not None and _LOG.isEnabledFor(logging.DEBUG):
        for line in report.traceback.splitlines():
            _LOG.debug("  %s", escape(line))
