"""Puts the clocks and the chances of a day in the place of the machine's, for the shells that run on it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any
from unittest import mock

import sim_tasks
from clockwork import Clock, Machine

import wiretask_client.client
import wiretask_client.driver
import wiretask_scheduler.committer
import wiretask_scheduler.flow
import wiretask_scheduler.link
import wiretask_scheduler.server
import wiretask_worker.engine
import wiretask_worker.runtime
from wiretask_client.ids import TaskIds

#: Modules that look at a clock.
_WITH_CLOCKS = (
    wiretask_scheduler.flow,
    wiretask_scheduler.link,
    wiretask_scheduler.server,
    wiretask_scheduler.committer,
    wiretask_client.client,
)


@contextmanager
def in_place(day: Any, machine: Machine, chance: Random) -> Iterator[None]:
    """As long as the day lasts. What is logged as an error becomes a failure of the machine."""
    clock: Clock = machine.clock
    chances = _Chances(chance)
    ids = TaskIds(lambda: clock.time_ns() // 1_000_000, chance.getrandbits)
    complaints = _Complaints(machine)
    with ExitStack() as stack:
        for module in _WITH_CLOCKS:
            stack.enter_context(mock.patch.object(module, "time", clock))
        stack.enter_context(mock.patch.object(sim_tasks, "day", day))
        stack.enter_context(mock.patch.object(wiretask_client.client, "_ids", ids))
        stack.enter_context(mock.patch.object(wiretask_client.driver, "_now", clock.monotonic))
        stack.enter_context(mock.patch.object(wiretask_client.driver, "random", chances))
        stack.enter_context(mock.patch.object(wiretask_worker.engine, "secrets", chances))
        stack.enter_context(mock.patch.object(wiretask_worker.runtime, "random", chances))
        logging.getLogger().addHandler(complaints)
        stack.callback(logging.getLogger().removeHandler, complaints)
        yield


class _Chances:
    """What `random` and `secrets` are on this day."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.random = chance.random
        self.randbits = chance.getrandbits
        self.token_bytes = chance.randbytes

    def SystemRandom(self) -> Random:  # noqa: N802 -- the name is the library's
        """The same."""
        return self._chance


class _Complaints(logging.Handler):
    """What is logged as an error is a bug: nobody on a day does anything that deserves one."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(logging.ERROR)
        self._machine = machine

    def emit(self, record: logging.LogRecord) -> None:
        """Somebody complains."""
        why = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self._machine.failures.append(record.getMessage() + why)
