"""Holds the golden cases against a codec."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from wiretask_conformance.golden import Case
from wiretask_conformance.results import Result
from wiretask_conformance.testee import Answered, ContractError, Died, Hung, Testee

#: What a codec that knows the protocol and nothing more can answer. Only the form of the answers is looked at.
SMOKE: tuple[dict[str, Any], ...] = (
    {"op": "decode", "version": 1, "frame": "030000000a03000000000000000100"},
    {"op": "decode", "version": 1, "frame": "0300000000"},
    {"op": "decode", "version": 1, "struct": "Report", "octets": "000000000000"},
    {"op": "encode", "version": 1, "message": "Accepted", "value": {"seq": "1"}},
    {"op": "stream", "version": 1, "side": "worker", "state": "accepted", "limit": 65536, "end": False, "chunks": []},
)
_FORMS = {"decode": {"value", "reencoded"}, "encode": set(), "stream": {"frames"}}


def smoke(testee: Testee) -> None:
    """Trivial requests: an adapter that cannot answer them is wrong, whatever its codec is. Raises ContractError."""
    for request in SMOKE:
        try:
            check_form(request, testee.ask(**request))
        except ContractError as error:
            raise type(error)("asked %s: %s" % (json.dumps(request), error)) from None


def check_form(request: dict[str, Any], answer: dict[str, Any]) -> None:
    """Raises ContractError for an answer that is not of the form of the contract."""
    if "skipped" in answer or "unrepresentable" in answer:
        return
    if isinstance(answer.get("error"), str):
        return
    ok = answer.get("ok")
    if not isinstance(ok, dict):
        raise ContractError("the answer to %s is ok (an object), error or skipped, not %s" % (request["op"], answer))
    missing = _FORMS[request["op"]] - set(ok)
    if missing:
        raise ContractError("ok of %s lacks %s" % (request["op"], ", ".join(sorted(missing))))


def run(
    testee: Testee,
    cases: Iterable[Case],
    *,
    said: Callable[[Result], None] = lambda result: None,
    enough: int = 1 << 30,
) -> list[Result]:
    """Every case against a testee that has been greeted; none more once `enough` have failed."""
    cases = list(cases)
    answers = testee.ask_many(request for case in cases for request in case.requests)
    results: list[Result] = []
    failed = 0
    for case in cases:
        if failed >= enough:
            break
        begun = time.perf_counter()
        verdict, detail = _verdict(case, answers)
        seconds = time.perf_counter() - begun
        result = Result(case.id, case.name, case.kind, case.level, case.requires, verdict, seconds, detail, ())
        results.append(result)
        failed += result.failed
        said(result)
    return results


def _verdict(case: Case, answers: Iterator[Answered]) -> tuple[str, str]:
    """The first verdict that is not `pass`, if there is one; all of the answers are taken."""
    verdicts = [judge(case, next(answers)) for _ in case.requests]
    return next((verdict for verdict in verdicts if verdict[0] != "pass"), ("pass", ""))


def judge(case: Case, answered: Answered) -> tuple[str, str]:
    """The verdict on one answer, and what is to be said of it."""
    if answered.error is not None:
        return _broken(answered.error)
    answer = answered.answer
    assert answer is not None
    if "skipped" in answer:
        return "not_applicable", str(answer["skipped"])
    try:
        check_form(answered.request, answer)
    except ContractError as error:
        return "contract", str(error)
    if "error" in case.expected:
        return _refusal(case, answer)
    if "ok" not in answer:
        return "fail", "is legal, and was refused with %s" % _said(answer)
    return _acceptance(case.expected["ok"], answer["ok"], answered.request)


def _broken(error: ContractError) -> tuple[str, str]:
    if isinstance(error, Hung):
        return "timeout", str(error)
    return "crash" if isinstance(error, Died) else "contract", str(error)


def _refusal(case: Case, answer: dict[str, Any]) -> tuple[str, str]:
    expected = case.expected
    if "unrepresentable" in answer and case.kind == "encode":
        return "pass", ""
    if "error" not in answer:
        return "fail", "must be refused with %s, and was accepted" % expected["error"]
    if all(answer.get(key) == expected[key] for key in expected):
        return "pass", ""
    return "wrong_error", "must be refused with %s, and was with %s" % (_said(expected), _said(answer))


def _acceptance(expected: dict[str, Any], ok: dict[str, Any], request: dict[str, Any]) -> tuple[str, str]:
    for key, value in expected.items():
        if ok.get(key) != value:
            what = "chunks %s: " % request["chunks"] if request["op"] == "stream" else ""
            return "fail", "%s%s must be %s, not %s" % (what, key, _short(value), _short(ok.get(key)))
    return "pass", ""


def _said(answer: dict[str, Any]) -> str:
    if "unrepresentable" in answer:
        return "unrepresentable"
    place = "".join(" %s %s" % (key, answer[key]) for key in ("field", "offset") if answer.get(key) not in (None, ""))
    return "%s%s" % (answer["error"], place)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "…"
