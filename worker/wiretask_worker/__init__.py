"""The Wiretask worker: what task modules import. `python -m wiretask_worker` is the process that runs them."""

from wiretask_worker.context import Context, current
from wiretask_worker.errors import Cancelled, NoRetry, Retry
from wiretask_worker.gathering import MemberFailed
from wiretask_worker.handlers import Handler, task
from wiretask_worker.hooks import middleware
from wiretask_worker.provided import Provided

__all__ = [
    "Cancelled",
    "Context",
    "Handler",
    "MemberFailed",
    "NoRetry",
    "Provided",
    "Retry",
    "current",
    "middleware",
    "task",
]
