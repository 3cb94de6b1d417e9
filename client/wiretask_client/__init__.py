"""The Wiretask client: submit tasks to a scheduler and get their results.

    from wiretask_client import Client

    async with Client("127.0.0.1:9001") as client:
        digest = await client.submit("sha256", b"Hello, World!")

`wiretask_client.blocking` is the same without an event loop, `wiretask_client.errors` all that can be raised.
"""

from wiretask_client.client import Client
from wiretask_client.errors import (
    BadCall,
    BadSchedule,
    ClientClosed,
    ClientError,
    NotFinished,
    OutcomeUnknown,
    Refused,
    TaskCancelled,
    TaskEnded,
    TaskExpired,
    TaskFailed,
    TaskGivenUp,
    TaskTimedOut,
    UnknownSchedule,
    UnknownTask,
    Unreachable,
    UnreadableResult,
    Untrusted,
)
from wiretask_client.groups import Call, Chain, FanIn, call, chain, group
from wiretask_client.handle import TaskHandle
from wiretask_client.keys import Concurrency, Fairness, Rate, Unique
from wiretask_client.options import RetryPolicy
from wiretask_client.status import Attempt, TaskStatus
from wiretask_client.stream import Stream

__all__ = [
    "Attempt",
    "BadCall",
    "BadSchedule",
    "Call",
    "Chain",
    "Client",
    "ClientClosed",
    "ClientError",
    "Concurrency",
    "Fairness",
    "FanIn",
    "NotFinished",
    "OutcomeUnknown",
    "Rate",
    "Refused",
    "RetryPolicy",
    "Stream",
    "TaskCancelled",
    "TaskEnded",
    "TaskExpired",
    "TaskFailed",
    "TaskGivenUp",
    "TaskHandle",
    "TaskStatus",
    "TaskTimedOut",
    "Unique",
    "UnknownSchedule",
    "UnknownTask",
    "Unreachable",
    "UnreadableResult",
    "Untrusted",
    "call",
    "chain",
    "group",
]
