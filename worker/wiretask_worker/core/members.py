"""The results of a group, as they came with a Task: whether a handler can be given them."""

from __future__ import annotations

from wiretask_protocol.codec import decode_report
from wiretask_protocol.errors import WireError
from wiretask_protocol.messages import Encoding, Gathered, GatherForm, Outcome

_ENCODINGS = frozenset(Encoding)
_FORMS = frozenset(GatherForm)


def results_unreadable(gathered: Gathered) -> str | None:
    """Why the results of a group cannot be given to a handler; None if they can."""
    if gathered.form not in _FORMS:
        return f"this worker does not know the form {gathered.form:d} of results"
    if gathered.form == GatherForm.VALUE and len(gathered.results) != 1:
        return f"a step of a chain gets one result, and here are {len(gathered.results)}"
    for place, member in enumerate(gathered.results):
        try:
            report = decode_report(member.report)
        except WireError as error:
            return f"the result {place} of the group cannot be read: {error.text}"
        if member.outcome == Outcome.SUCCEEDED and report.encoding not in _ENCODINGS:
            return f"this worker does not know the encoding {report.encoding:d} of the result {place}"
    return None
