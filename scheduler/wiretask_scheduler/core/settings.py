"""What the core can be told: limits and durations, with their defaults from the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wiretask_protocol import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits and durations of the core."""

    frame_limit: int = limits.FRAME_LIMIT
    in_flight: int = limits.IN_FLIGHT
    crash_limit: int = limits.CRASH_LIMIT
    loss_limit: int = limits.LOSS_LIMIT
    #: After a restart, how long to wait for the workers that were connected.
    resume_grace_seconds: float = limits.RESUME_GRACE_MS / 1000
    #: How long a worker whose connection broke may take to come back before its tasks are given to others.
    resume_window_seconds: float = 2.0
    #: A lease that is older than this is written to the store, so that a restart knows who runs the task.
    record_lease_seconds: float = 0.25
    #: How long after its time limit a worker may take to stop a task before the scheduler takes it away.
    time_limit_margin_seconds: float = 5.0
    #: How long the result of a task is kept where the task does not say.
    retention_seconds: float = limits.DEDUP_WINDOW_MS / 1000
    #: The wait before the second attempt where the task does not say; doubles with each further one, up to the cap.
    retry_base_seconds: float = 1.0
    retry_cap_seconds: float = 300.0
    #: Up to this fraction of a wait is taken off, at random.
    retry_jitter: float = 0.5
    #: How long what has died is kept for somebody to look at it and to give it another life.
    dead_retention_seconds: float = 7 * 86400.0
    #: How many tasks a queue may have, unless `queue_length_limits` says otherwise for it; 0 is no limit.
    queue_length_limit: int = 0
    queue_length_limits: Mapping[str, int] = field(default_factory=dict)
