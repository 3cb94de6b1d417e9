"""One assignment of a task to this worker: what came with it, and where it is between arrival and end.

Its life is the `assignment` machine of the spec, seen from the worker: SENT waits here, BEGUN runs, STOPPING was asked
to stop, and ENDED has been reported, given back or superseded (its handler may still run and holds its slot until it
returns). Nothing but `advance` sets the state.
"""

from __future__ import annotations

import msgspec

from wiretask_protocol.machines import ASSIGNMENT, AssignmentEvent, AssignmentState
from wiretask_protocol.messages import Envelope, Gathered

#: The table of the machine as tuples: two indexes per step, and nothing to hash. None is the machine's `otherwise`.
_NEXT: tuple[tuple[AssignmentState | None, ...], ...] = tuple(
    tuple(ASSIGNMENT[state][event] for event in AssignmentEvent) for state in AssignmentState
)


class Assignment(msgspec.Struct, eq=False, gc=False):
    """A lease of this worker. Compared by identity: a task may come again while its former lease still ends."""

    task_id: bytes
    lease: int
    attempt: int
    #: In milliseconds from its beginning; 0 is none.
    time_limit: int
    #: Not begun by then (monotonic seconds) is given back; 0 is no bound.
    begin_by: float
    #: How many slots it takes.
    cost: int
    envelope: Envelope
    #: The results of its group, where it is a callback.
    gathered: Gathered | None = None
    state: AssignmentState = AssignmentState.SENT

    def advance(self, event: AssignmentEvent) -> bool:
        """Follows the machine; whether it knows this event here (if not, nothing changes)."""
        target = _NEXT[self.state][event]
        if target is None:
            return False
        self.state = target
        return True


class Finished(msgspec.Struct, frozen=True, gc=False):
    """How an attempt has ended: what a Result says of it."""

    outcome: int
    #: The octets of a Report.
    report: bytes
    no_retry: bool | None = None
    retry_after: int | None = None
    exit_status: int | None = None


#: What an executor hands back.
Ended = tuple[Assignment, Finished]
