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
from wiretask_client.core.session import Identity

__all__ = [
    "CancelRequest",
    "Core",
    "Identity",
    "PingRequest",
    "QueryRequest",
    "ReachRequest",
    "Request",
    "ScheduleRequest",
    "SubmitRequest",
]
