"""What can go wrong in a worker, as one short tree, and what a handler raises to say how its attempt ends.

WorkerError               the worker cannot go on; one line and an exit code
  ConfigError             2  its configuration cannot be used
  DefinitionError         2  a task module is wrong: it cannot be imported, or a task in it cannot be run
  RefusedError            3  the scheduler will not have this worker, or this worker the scheduler, now or later
HandlerSignal             raised by handlers
  Retry                      failed; try again, after a time of the handler's choosing
  NoRetry                    failed; another attempt is of no use
  Cancelled                  stopped, as `context.cancelled` asked
ArgumentsError            the body of a task does not fit its function
ResultError               what the function returned cannot be encoded
"""

from __future__ import annotations

from datetime import timedelta


class WorkerError(Exception):
    """The worker cannot go on. The text is one line that says the remedy."""

    exit_code = 1


class ConfigError(WorkerError):
    """The configuration cannot be used."""

    exit_code = 2


class DefinitionError(WorkerError):
    """A task module cannot be imported, or a task in it cannot be run."""

    exit_code = 2


class RefusedError(WorkerError):
    """The scheduler will not have this worker, now or later."""

    exit_code = 3


class HandlerSignal(Exception):  # noqa: N818 -- not errors of ours: words of the handler's
    """What a handler raises to say how its attempt ends."""


class Retry(HandlerSignal):
    """The attempt has failed; the next one (if attempts are left) begins after `after` seconds.

    Without `after` the retry policy of the task decides.
    """

    def __init__(self, message: str = "asks for another attempt", *, after: float | timedelta | None = None) -> None:
        super().__init__(message)
        seconds = after.total_seconds() if isinstance(after, timedelta) else after
        if seconds is not None and seconds < 0:
            raise ValueError(f"Retry(after={after!r}): say how many seconds to wait, 0 or more")
        #: How long to wait, in seconds; None leaves it to the retry policy.
        self.after_seconds = seconds


class NoRetry(HandlerSignal):
    """The attempt has failed, and another one is of no use, whatever attempts are left."""


class Cancelled(HandlerSignal):
    """The handler has stopped because it was asked to (`Context.cancelled`)."""


class ArgumentsError(Exception):
    """The body of a task does not fit the function; the text names the argument. Never retried."""


class ResultError(Exception):
    """What the function returned cannot be encoded; the text says why. Never retried."""
