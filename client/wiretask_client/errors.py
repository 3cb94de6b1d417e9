"""Everything that a client can raise, in one short tree.

    ClientError
        BadCall                 what was asked for cannot be sent as it is (also a ValueError)
        TaskEnded               the task ended without a result: .outcome .error_type .message .traceback
            TaskFailed              its code raised an error, on its last attempt
            TaskTimedOut            its last attempt ran longer than its time limit
            TaskCancelled           somebody asked for it to be stopped
            TaskExpired             no worker had begun it when its time was over
            TaskGivenUp             it killed its process, or lost its worker, too often
        UnreadableResult        the result is written in an encoding that this client does not know: .report
        NotFinished             the time given to wait was over before the task was (also a TimeoutError)
        Refused                 the scheduler said no: .code .retry .text, and what else its Error named
            UnknownTask             it knows no task with this id
            OutcomeUnknown          out of touch for longer than the scheduler remembers; nothing was sent again
            BadSchedule             the expression or the time zone of a recurring task is not valid, or never comes
            UnknownSchedule         there is no recurring task of this name
        OperationRefused        its HTTP side said no to an operator: .status .text
        Unreachable             no scheduler answered in time (also a ConnectionError)
            Untrusted               what answers has a certificate that is not trusted, or does not trust ours
        ClientClosed            the client was closed before the answer came

The texts of peers are kept as they came; whoever shows them on a terminal escapes them first.
"""

from __future__ import annotations

from wiretask_protocol.errors import ERRORS, ErrorCode, WireError
from wiretask_protocol.messages import Error, ErrorScope, Outcome, Report, Retry

_CODES: dict[int, ErrorCode] = {code.value: code for code in ErrorCode}
_RETRIES: dict[int, Retry] = {retry.value: retry for retry in Retry}


class ClientError(Exception):
    """Something did not work out; the text says what to do."""


class BadCall(ClientError, ValueError):  # noqa: N818 -- named for what happened, as all of them
    """What was asked for cannot be sent as it is."""


class TaskEnded(ClientError):  # noqa: N818
    """The task ended without a result.

    `outcome` is the wire's; an unknown one is a plain integer. `error_type`, `message` and `traceback` are what the
    worker reported, None where it did not.
    """

    def __init__(self, task_id: str, outcome: int, report: Report, exit_status: int | None = None) -> None:
        self.task_id = task_id
        self.outcome = outcome
        self.error_type = report.error_type
        self.message = report.error_message
        self.traceback = report.traceback
        #: Of the process that died: its exit code, or 256 and the number of the signal.
        self.exit_status = exit_status
        super().__init__(task_id, outcome, report, exit_status)

    def __str__(self) -> str:
        said = ": ".join(part for part in (self.error_type, self.message) if part)
        return said or f"the task {self.task_id} {self._plainly()}"

    def _plainly(self) -> str:
        return f"ended with the outcome {self.outcome}, which this client does not know; upgrade it"


class TaskFailed(TaskEnded):
    """The task's code raised an error, on its last attempt."""

    def _plainly(self) -> str:
        return "failed"


class TaskTimedOut(TaskEnded):
    """The last attempt ran longer than its time limit."""

    def _plainly(self) -> str:
        return "ran longer than its time limit; raise --time-limit or make it shorter"


class TaskCancelled(TaskEnded):
    """Somebody asked for the task to be stopped."""

    def _plainly(self) -> str:
        return "was cancelled"


class TaskExpired(TaskEnded):
    """No worker had begun the task when its time was over."""

    def _plainly(self) -> str:
        return "expired: no worker had begun it in time"


class TaskGivenUp(TaskEnded):
    """The task killed its process, or lost its worker, too often."""

    def _plainly(self) -> str:
        status = f" (exit status {self.exit_status})" if self.exit_status is not None else ""
        if self.outcome == Outcome.LOST:
            return f"was given up: too many workers were lost with it{status}"
        return f"was given up: the process that ran it died{status}"


class UnreadableResult(ClientError):  # noqa: N818
    """The result is written in an encoding that this client does not know; `report` holds it as it came."""

    def __init__(self, task_id: str, report: Report, why: str) -> None:
        self.task_id = task_id
        self.report = report
        super().__init__(f"the result of the task {task_id} cannot be read: {why}")


class NotFinished(ClientError, TimeoutError):  # noqa: N818
    """The time given to wait was over before the task was. The task goes on."""


class Refused(ClientError):  # noqa: N818
    """The scheduler said no. `code` is the wire's; one that this version does not know is a plain integer."""

    #: What to do, where the text of the scheduler may not say it.
    remedy = ""

    def __init__(self, error: Error) -> None:
        self.error = error
        self.code: int = _CODES.get(error.code, error.code)
        self.retry: int = _RETRIES.get(error.retry, error.retry)
        self.text = error.text
        self.task_id = error.task_id
        self.existing_id = error.existing_id
        self.address = error.address
        self.retry_after_seconds = None if error.retry_after is None else error.retry_after / 1000
        super().__init__(error)

    @property
    def of_connection(self) -> bool:
        """Whether it was the whole connection that was refused."""
        return self.error.scope == ErrorScope.CONNECTION

    def __str__(self) -> str:
        name = self.code.name if isinstance(self.code, ErrorCode) else f"error {self.code}"
        elsewhere = f" (try {self.address})" if self.address else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.text or 'the scheduler refused'}{elsewhere}{remedy} [{name}]"


class UnknownTask(Refused):
    """The scheduler knows no task with this id; it may have been forgotten."""


class OutcomeUnknown(Refused):
    """The connection was lost for longer than the scheduler remembers; the task was not sent again."""


class BadSchedule(Refused):
    """The cron expression or the time zone of a recurring task is not valid, or never comes. Its text says which."""


class UnknownSchedule(Refused):
    """There is no recurring task of this name."""

    remedy = "see which there are with `wiretask schedule list`"


class OperationRefused(ClientError):  # noqa: N818
    """The scheduler's HTTP side said no to an operator; `status` is HTTP's."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(status, text)

    def __str__(self) -> str:
        return self.text


class Unreachable(ClientError, ConnectionError):  # noqa: N818
    """No scheduler answered in time."""


class Untrusted(Unreachable):
    """There is no TLS with what answers: its certificate is not good, or ours is not good enough for it."""


class ClientClosed(ClientError):  # noqa: N818
    """The client was closed before the answer came."""


_REFUSALS: dict[int, type[Refused]] = {
    ErrorCode.UNKNOWN_TASK: UnknownTask,
    ErrorCode.OUTCOME_UNKNOWN: OutcomeUnknown,
    ErrorCode.BAD_SCHEDULE: BadSchedule,
    ErrorCode.UNKNOWN_SCHEDULE: UnknownSchedule,
}


def cannot_send(error: WireError) -> BadCall:
    """The exception of what the codec does not write."""
    return BadCall(f"{error.field or 'the task'} cannot be sent: {error.detail or ERRORS[error.code].text}")


def refusal(error: Error) -> Refused:
    """The exception of an Error."""
    return _REFUSALS.get(error.code, Refused)(error)
