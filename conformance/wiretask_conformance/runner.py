"""Runs the golden cases against a testee and says what it found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from wiretask_conformance.suite import Case, digest, load
from wiretask_conformance.testee import ContractError, Testee

OK, FAILED, CONTRACT = 0, 1, 3
#: Failures that are shown; the rest is counted.
SHOWN = 20


class Report(NamedTuple):
    """How a run went."""

    implementation: str
    counts: dict[str, list[int]]
    failures: list[str]
    contract: list[str]

    @property
    def exit_code(self) -> int:
        """0 where all passed, 1 where the codec is wrong, 3 where only the adapter is."""
        if self.failures:
            return FAILED
        return CONTRACT if self.contract else OK


def run(command: Sequence[str]) -> Report:
    """Every case against a testee. Raises ContractError if not even the smoke run is answered."""
    testee = Testee(command)
    report = Report("", {}, [], [])
    try:
        implementation = smoke(testee)
        report = report._replace(implementation=implementation)
        for case in load():
            try:
                check(testee, case, report)
            except ContractError as error:
                report.contract.append("%s: %s" % (case.name, error))
    finally:
        testee.stop()
    return report


def smoke(testee: Testee) -> str:
    """A few trivial requests: an adapter that cannot answer them is wrong, whatever its codec is."""
    started = testee.ask("start", contract=1, spec=digest())
    implementation = started.get("implementation")
    if not isinstance(implementation, dict) or "name" not in implementation:
        raise ContractError("start is answered with {implementation: {name: …}}")
    ping = "030000000a03000000000000000100"
    answer = testee.ask("decode", frame=ping)
    if "ok" not in answer and "error" not in answer:
        raise ContractError("decode is answered with ok or error, not %r" % answer)
    return str(implementation["name"])


def check(testee: Testee, case: Case, report: Report) -> None:
    """One case: what is decoded, and for a legal frame every split of it."""
    kind = "valid" if case.error is None else "invalid"
    wrong = wrong_decode(testee.ask("decode", frame=case.frame.hex()), case)
    count(report, kind, wrong, case)
    if case.error is None and "/" not in case.name.partition("/")[2]:
        for at in range(1, len(case.frame)):
            chunks = [case.frame[:at].hex(), case.frame[at:].hex()]
            count(report, "split", wrong_stream(testee.ask("stream", chunks=chunks), case, at), case)


def wrong_decode(answer: dict[str, Any], case: Case) -> str:
    """What is wrong with an answer to decode; empty if nothing."""
    if "skipped" in answer:
        return ""
    if case.error is None:
        if "error" in answer:
            return "is legal, and was refused with %s" % answer["error"]
        return (
            "" if answered(answer).get("reencoded") == case.frame.hex() else "is not the same when it is encoded again"
        )
    if "error" not in answer:
        return "must be refused with %s" % case.error
    said = (answer["error"], answer.get("field"), answer.get("offset"))
    expected = (case.error, case.field, case.offset)
    return "" if said == expected else "must be refused with %s, not with %s" % (expected, said)


def wrong_stream(answer: dict[str, Any], case: Case, at: int) -> str:
    """What is wrong with an answer to stream; empty if nothing."""
    if "skipped" in answer:
        return ""
    if answered(answer).get("frames") == [case.frame.hex()]:
        return ""
    return "is not found when it comes in two parts, split at %d" % at


def answered(answer: dict[str, Any]) -> dict[str, Any]:
    """The `ok` of an answer. Raises ContractError if there is none of the right shape."""
    ok = answer.get("ok")
    if not isinstance(ok, dict):
        raise ContractError("neither ok (an object), error nor skipped is in its answer")
    return ok


def count(report: Report, kind: str, wrong: str, case: Case) -> None:
    """Counts a verdict."""
    counts = report.counts.setdefault(kind, [0, 0])
    counts[1 if wrong else 0] += 1
    if wrong:
        report.failures.append("%s %s: %s" % (case.id, case.name, wrong))
