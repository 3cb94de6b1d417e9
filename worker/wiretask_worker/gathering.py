"""The results of a group, as the callback's handler gets them: its first argument.

A result that came as JSON is converted to what the parameter is annotated with, one that came raw is bytes. A member
that has not succeeded is a `MemberFailed` in its place.
"""

from __future__ import annotations

from typing import Any, get_args, get_origin

import msgspec

from wiretask_protocol.codec import decode_report
from wiretask_protocol.messages import Encoding, Gathered, GatherForm, MemberResult, Outcome
from wiretask_worker.errors import ArgumentsError


class MemberFailed(msgspec.Struct, frozen=True):
    """In the place of a result: a member of the group has not succeeded."""

    #: The name of the outcome: failed, timed_out, cancelled, expired, dead …
    outcome: str
    error_type: str | None
    message: str | None


def argument(gathered: Gathered, annotation: Any, name: str) -> Any:
    """The first argument. Raises ArgumentsError for a result that does not fit the annotation."""
    if gathered.form == GatherForm.VALUE:
        (member,) = gathered.results
        return _converted(member, annotation, name)
    element = _element(annotation)
    return [_converted(member, element, f"{name}[{place}]") for place, member in enumerate(gathered.results)]


def _element(annotation: Any) -> Any:
    """What the elements of a list are; anything where the annotation does not say."""
    arguments = get_args(annotation)
    return arguments[0] if arguments and get_origin(annotation) in {list, tuple} else Any


def _converted(member: MemberResult, annotation: Any, name: str) -> Any:
    report = decode_report(member.report)
    if member.outcome != Outcome.SUCCEEDED:
        return MemberFailed(_word(member.outcome), report.error_type, report.error_message)
    try:
        value = report.body if report.encoding == Encoding.RAW else msgspec.json.decode(report.body)
        return value if annotation is Any else msgspec.convert(value, annotation)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise ArgumentsError(f"argument {name}: {' '.join(str(error).split())}") from error


def _word(outcome: int) -> str:
    try:
        return Outcome(outcome).name.lower()
    except ValueError:
        return f"outcome {outcome}"
