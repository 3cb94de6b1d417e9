"""Ends of attempts that the core itself decides: no handler has a word in them."""

from __future__ import annotations

from wiretask_protocol.codec import encode_report
from wiretask_protocol.messages import Encoding, Outcome, Report
from wiretask_worker.core.assignment import Finished


def cancelled() -> Finished:
    """Cancelled while it waited here."""
    return _end(Outcome.CANCELLED, "Cancelled", "cancelled before it began")


def timed_out(time_limit: int) -> Finished:
    """Its time limit (in ms) is over."""
    text = f"it ran for longer than its time limit of {time_limit / 1000:g} s"
    return _end(Outcome.TIMED_OUT, "TimeLimitExceeded", text)


def crashed(exit_status: int) -> Finished:
    """The process that ran it has died: its exit code, or 256 and the number of the signal."""
    how = f"exit code {exit_status}" if exit_status < 256 else f"signal {exit_status - 256}"
    return _end(Outcome.CRASHED, "ProcessDied", f"the process that ran it died: {how}", exit_status=exit_status)


def too_large(octets: int, maximum: int) -> Finished:
    """Its report is longer than the connection takes."""
    text = f"the result has {octets} bytes and {maximum} is the limit; return a reference, or raise the frame limit"
    return _end(Outcome.FAILED, "ResultTooLarge", text, no_retry=True)


def _end(
    outcome: Outcome, error_type: str, text: str, *, no_retry: bool | None = None, exit_status: int | None = None
) -> Finished:
    report = encode_report(Report(Encoding.RAW, b"", error_type=error_type, error_message=text))
    return Finished(outcome, report, no_retry=no_retry, exit_status=exit_status)
