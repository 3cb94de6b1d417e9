"""Recurring tasks of the configuration: `[scheduler.recurring.NAME]` becomes a Schedule."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wiretask_protocol import codec
from wiretask_protocol.messages import (
    CatchUpPolicy,
    Encoding,
    Envelope,
    OverlapPolicy,
    Schedule,
    ScheduleAction,
)

_MILLIS_MAXIMUM = (1 << 32) - 1
_PRIORITY = 5


class Recurring(BaseModel):
    """One recurring task, as people write it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    queue: str = "default"
    #: What the handler is called with.
    args: list[Any] = Field(default_factory=list)
    cron: str | None = None
    every_seconds: float | None = Field(None, ge=0.001, le=_MILLIS_MAXIMUM / 1000)
    zone: str = "UTC"
    overlap: Literal["skip", "queue", "replace"] = "skip"
    catch_up: Literal["skip", "one", "all"] = "skip"
    spread_seconds: float = Field(0, ge=0, le=_MILLIS_MAXIMUM / 1000)
    priority: int = Field(_PRIORITY, ge=0, le=9)
    max_attempts: int | None = Field(None, ge=1, le=65535)
    time_limit_seconds: float | None = Field(None, ge=0.001, le=_MILLIS_MAXIMUM / 1000)

    @model_validator(mode="after")
    def _one_time(self) -> Recurring:
        if (self.cron is None) == (self.every_seconds is None):
            raise ValueError("say cron or every_seconds, one of them")
        return self

    def schedule(self, name: str) -> Schedule:
        """It as a message. Raises WireError for a name that is none."""
        body = json.dumps(self.args).encode()
        message = Schedule(
            1,
            name,
            ScheduleAction.PUT,
            self.priority,
            cron=self.cron,
            every=_millis(self.every_seconds),
            zone=self.zone,
            overlap=OverlapPolicy[self.overlap.upper()],
            catch_up=CatchUpPolicy[self.catch_up.upper()],
            spread=_millis(self.spread_seconds) or None,
            max_attempts=self.max_attempts,
            time_limit=_millis(self.time_limit_seconds),
            envelope=codec.encode_envelope(Envelope(self.type, self.queue, Encoding.JSON, body)),
        )
        codec.encode(message)
        return message


def _millis(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
