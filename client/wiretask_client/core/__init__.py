"""The client without its input and output: what it says and when, with time, randomness and bytes as arguments."""

from wiretask_client.core.core import Core
from wiretask_client.core.requests import (
    CancelRequest,
    PingRequest,
    QueryRequest,
    ReachRequest,
    Request,
    ScheduleRequest,
    SubmitRequest,
)

__all__ = [
    "CancelRequest",
    "Core",
    "PingRequest",
    "QueryRequest",
    "ReachRequest",
    "Request",
    "ScheduleRequest",
    "SubmitRequest",
]
