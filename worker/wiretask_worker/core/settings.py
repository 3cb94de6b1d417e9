"""What a worker is told when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from wiretask_protocol.authentication import Credentials
from wiretask_protocol.limits import FRAME_LIMIT
from wiretask_protocol.messages import CancelSupport, QueueWeight, Resource

#: Envelopes that may wait and run here at a time; far above the frame limit, far below the memory of a small machine.
WINDOW_OCTETS = 256 << 20


class TypeSettings(NamedTuple):
    """A task type that this worker knows."""

    cancel: CancelSupport
    #: In milliseconds, where the task names none; 0 is none.
    time_limit: int = 0
    #: How often its code may run and fail, where the task does not say; 0 is once.
    max_attempts: int = 0
    #: Whether its handler takes a body in whatever encoding.
    verbatim: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker takes, and how much of it."""

    types: Mapping[str, TypeSettings]
    queues: tuple[QueueWeight, ...]
    #: Slots: how much runs at a time.
    concurrency: int
    #: How much waits here for a slot; where it is `paced`, more as long as tasks are short.
    prefetch: int
    paced: bool = False
    #: What tasks can require of it, and what it has of each resource.
    labels: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()
    frame_limit: int = FRAME_LIMIT
    window_octets: int = WINDOW_OCTETS
    agent: str = "wiretask-worker"
    #: What people call this worker.
    name: str | None = None
    #: What proves who it is, where the scheduler wants that.
    credentials: Credentials | None = None
