"""The Wiretask worker: what task modules import. `python -m wiretask_worker` is the process that runs them."""

from wiretask_worker.context import Context, current
from wiretask_worker.errors import Cancelled, NoRetry, Retry
from wiretask_worker.handlers import Handler, task

__all__ = ["Cancelled", "Context", "Handler", "NoRetry", "Retry", "current", "task"]
