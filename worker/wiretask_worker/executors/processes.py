"""Handlers in child processes, one attempt at a time in each: hard time limits, and a death costs one attempt.

Not pebble (DESIGN §11), tried and left: there all children share one pipe and one lock, the death of an idle child
breaks the whole pool, and deaths and time limits are looked for ten times a second. Here each child has a socket of its
own and the event loop hears of its death, so who dies is known at once, and nobody else is touched.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wiretask_protocol.codec import encode_envelope
from wiretask_protocol.messages import CancelMode
from wiretask_worker import reports
from wiretask_worker.core import ends as core_ends
from wiretask_worker.core.assignment import Assignment, Finished
from wiretask_worker.executors.base import Ends, Steps
from wiretask_worker.executors.parent import ChildProcess
from wiretask_worker.executors.pipe import Ask, Broken, Call, Done, FromChild, Setup, Step, Up

_LOG = logging.getLogger(__name__)
#: A child that dies before it is up is replaced after this, doubled each time.
_FIRST_DELAY_SECONDS = 0.1
_LAST_DELAY_SECONDS = 10.0


class ChildLimits(NamedTuple):
    """When a child is replaced: after so many tasks, or when it uses more memory, in octets. None is never."""

    tasks: int | None = None
    memory: int | None = None


_NO_LIMITS = ChildLimits()


class ProcessExecutor:
    """Attempts in child processes, as many as there are slots."""

    def __init__(
        self,
        modules: Sequence[str],
        ends: Ends,
        steps: Steps,
        loop: asyncio.AbstractEventLoop,
        concurrency: int,
        broken: Callable[[str], None],
        limits: ChildLimits = _NO_LIMITS,
    ) -> None:
        self._setup = Setup(list(sys.path), list(modules))
        self._ends = ends
        self._steps = steps
        self._loop = loop
        self._broken = broken
        self._limits = limits
        self._idle: list[ChildProcess] = []
        self._children: set[ChildProcess] = set()
        self._running: dict[Assignment, ChildProcess] = {}
        self._waiting: deque[Assignment] = deque()
        self._failures = 0
        self._closed = False
        for _ in range(concurrency):
            self._spawn()

    def start(self, assignment: Assignment) -> None:
        """Begins an attempt in an idle child, or as soon as there is one."""
        if self._idle:
            self._call(self._idle.pop(), assignment)
        else:
            self._waiting.append(assignment)

    def stop(self, assignment: Assignment, mode: CancelMode) -> None:
        """Asks the handler, or kills its process."""
        child = self._running.get(assignment)
        if child is None:
            if assignment in self._waiting:
                self._waiting.remove(assignment)
                self._loop.call_soon(self._ends, [(assignment, reports.cancelled("cancelled before it began"))])
        elif mode == CancelMode.COOPERATIVE:
            child.say(Ask())
        else:
            child.kill(reports.cancelled("its process was stopped"))

    def close(self) -> None:
        """Kills all children."""
        self._closed = True
        for child in list(self._children):
            if child.assignment is None and child.up:
                child.retire()
            else:
                child.kill()

    # -- children

    def _spawn(self) -> None:
        if self._closed:
            return
        child = ChildProcess(self._loop, self._heard, self._died)
        self._children.add(child)
        child.say(self._setup)
        child.launch()

    def _call(self, child: ChildProcess, assignment: Assignment) -> None:
        child.assignment = assignment
        self._running[assignment] = child
        envelope, gathered = encode_envelope(assignment.envelope), None
        if assignment.gathered is not None:
            results = [(member.outcome, member.report) for member in assignment.gathered.results]
            gathered = (int(assignment.gathered.form), results)
        child.say(Call(assignment.task_id, assignment.attempt, envelope, gathered))
        if assignment.time_limit:
            limit = assignment.time_limit
            child.timer = self._loop.call_later(limit / 1000, child.kill, core_ends.timed_out(limit))

    def _heard(self, child: ChildProcess, said: FromChild) -> None:
        match said:
            case Up():
                self._failures = 0
                self._rest(child)
            case Step():
                if child.assignment is not None:
                    self._steps(child.assignment, said.current, said.total, said.body, said.text)
            case Done():
                assignment = child.free()
                if assignment is not None:
                    finished = Finished(said.outcome, said.report, said.no_retry, said.retry_after)
                    del self._running[assignment]
                    child.done += 1
                    if self._is_old(child, said.memory):
                        child.retire()
                    else:
                        self._rest(child)
                    self._ends([(assignment, finished)])
            case Broken():
                self._broken(said.text)

    def _is_old(self, child: ChildProcess, memory: int) -> bool:
        tasks, most = self._limits
        return (tasks is not None and child.done >= tasks) or (most is not None and memory > most)

    def _rest(self, child: ChildProcess) -> None:
        if child.killed:
            return  # its end is near, and somebody else takes its place then
        if self._waiting:
            self._call(child, self._waiting.popleft())
        else:
            self._idle.append(child)

    def _died(self, child: ChildProcess, exit_status: int, verdict: Finished | None) -> None:
        self._children.discard(child)
        if child in self._idle:
            self._idle.remove(child)
        if self._closed:
            return
        self._replace(child, exit_status, killed=verdict is not None or child.retired)
        assignment = child.free()
        if assignment is not None:
            del self._running[assignment]
            self._ends([(assignment, verdict or core_ends.crashed(exit_status))])

    def _replace(self, child: ChildProcess, exit_status: int, *, killed: bool) -> None:
        if child.up:
            if not killed:
                _LOG.warning("a child process has died (exit status %d); another one takes its place", exit_status)
            self._spawn()
            return
        delay = min(_FIRST_DELAY_SECONDS * 2**self._failures, _LAST_DELAY_SECONDS)
        self._failures += 1
        _LOG.error("a child process has died at its start (exit status %d); trying again in %g s", exit_status, delay)
        self._loop.call_later(delay, self._spawn)
