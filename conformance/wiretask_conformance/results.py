"""What a run has found: a verdict a case, the counts, the exit code, and results.json.

It knows neither cases nor implementations: whoever judges hands in a `Result` a case. The form of the file is published
beside this module, in `results.schema.json`; it is read back strictly, because a matrix of results of different specs
would say nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

#: Version of the suite: results of another one are not comparable with ours.
SUITE = "0.1.0"
SCHEMA = "wiretask-conformance-results-1"
#: What is tested; both is a client with a scheduler, and only what passes between them is looked at.
KINDS = ("codec", "worker", "client", "scheduler", "both")
LEVELS = ("MUST", "SHOULD")
CONFORMANT, WRONG, USAGE, CONTRACT, HARNESS = range(5)
_STARTED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class ResultsError(Exception):
    """A file of results is not ours to read; the text is one line: file, what, and the remedy."""


class Verdict:
    """What became of a case."""

    PASS = "pass"
    #: It passed when it was played again, alone and with more time. Reported, and held against nobody.
    FLAKY = "flaky"
    #: The implementation is wrong, in one of these ways.
    FAIL = "fail"
    WRONG_ERROR = "wrong_error"
    TIMEOUT = "timeout"
    CRASH = "crash"
    #: The list of known failures is wrong.
    UNEXPECTED_PASS = "unexpected_pass"
    #: The implementation was not judged: its adapter or the harness is wrong.
    CONTRACT = "contract"
    HARNESS_ERROR = "harness_error"
    #: Nothing is wrong, or nothing that was not known.
    KNOWN_FAIL = "known_fail"
    NOT_APPLICABLE = "not_applicable"

    ALL = (
        *(PASS, FLAKY, FAIL, WRONG_ERROR, TIMEOUT, CRASH),
        *(UNEXPECTED_PASS, CONTRACT, HARNESS_ERROR, KNOWN_FAIL, NOT_APPLICABLE),
    )
    #: The implementation is wrong.
    FAILING = frozenset({FAIL, WRONG_ERROR, TIMEOUT, CRASH})
    #: Somebody must act: what the last line of a report counts as failed.
    FAILED = FAILING | {UNEXPECTED_PASS, CONTRACT, HARNESS_ERROR}


class Result(NamedTuple):
    """One case, judged. `detail` is one line; `log` is what went over the wire, with times."""

    id: str
    name: str
    kind: str
    level: str
    requires: tuple[str, ...]
    verdict: str
    seconds: float
    detail: str = ""
    log: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether somebody must act."""
        return self.verdict in Verdict.FAILED

    def body(self) -> dict[str, Any]:
        """As results.json has it."""
        body = {**self._asdict(), "seconds": round(self.seconds, 6), "detail": printable(self.detail)}
        body["requires"] = list(self.requires)
        body["log"] = list(self.log)
        if not self.log:
            del body["log"]
        return body


class Implementation(NamedTuple):
    """What was tested, as it calls itself."""

    name: str
    version: str = ""
    language: str = ""

    def __str__(self) -> str:
        version = "%s %s" % (self.name, self.version) if self.version else self.name
        return "%s (%s)" % (version, self.language) if self.language else version

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Implementation:
        """From an answer to start. Only the name is owed; what is no text is left out."""
        return cls(*(value if isinstance(value, str) else "" for value in map(answer.get, cls._fields)))


class Run(NamedTuple):
    """One run of the suite against one implementation."""

    spec: str
    kind: str
    implementation: Implementation
    command: tuple[str, ...]
    #: All waits were this many times as long.
    scale: float
    #: UTC, `2026-11-23T14:00:00Z`.
    started: str
    seconds: float
    cases: tuple[Result, ...]
    #: What is wrong with the list of known failures, a line each.
    problems: tuple[str, ...] = ()
    suite: str = SUITE

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many cases of each level have which verdict."""
        return count(self.cases)

    @property
    def counts_by_kind(self) -> dict[str, dict[str, dict[str, int]]]:
        """The same for each kind of case, in the order of the cases."""
        kinds = dict.fromkeys(case.kind for case in self.cases)
        return {kind: count(case for case in self.cases if case.kind == kind) for kind in kinds}

    @property
    def exit_code(self) -> int:
        """What the run says to whoever has started it.

        Where the harness failed nothing else is certain; what an implementation does wrong is certain whatever else is
        wrong. A SHOULD that is not kept is reported and leaves an implementation conformant (RFC 2119). A run that has
        judged nothing has found nothing conformant.
        """
        verdicts = {case.verdict for case in self.cases}
        if Verdict.HARNESS_ERROR in verdicts:
            return HARNESS
        if any(case.verdict in Verdict.FAILING and case.level == "MUST" for case in self.cases):
            return WRONG
        if Verdict.CONTRACT in verdicts:
            return CONTRACT
        if self.problems or Verdict.UNEXPECTED_PASS in verdicts or verdicts <= {Verdict.NOT_APPLICABLE}:
            return USAGE
        return CONFORMANT

    def to_json(self) -> str:
        """The text of results.json: a line a case, so that two of them can be compared by eye."""
        head: dict[str, Any] = {
            "schema": SCHEMA,
            **self._asdict(),
            "implementation": self.implementation._asdict(),
            "seconds": round(self.seconds, 6),
            "counts": self.counts,
            "exit": self.exit_code,
        }
        del head["cases"]
        lines = ['  "%s": %s' % (key, json.dumps(value)) for key, value in head.items()]
        cases = ",\n    ".join(json.dumps(case.body()) for case in self.cases)
        return '{\n%s,\n  "cases": [\n    %s\n  ]\n}\n' % (",\n".join(lines), cases)

    def write(self, path: Path) -> None:
        """Writes results.json; who reads it meanwhile sees the former one."""
        beside = path.with_name(path.name + ".new")
        beside.write_text(self.to_json(), encoding="utf-8")
        beside.replace(path)


def count(cases: Iterable[Result]) -> dict[str, dict[str, int]]:
    """How many cases of each level have which verdict, without those that have none."""
    numbers = Counter((case.level, case.verdict) for case in cases)
    found: dict[str, dict[str, int]] = {}
    for level in LEVELS:
        for verdict in Verdict.ALL:
            if numbers[level, verdict]:
                found.setdefault(level, {})[verdict] = numbers[level, verdict]
    return found


def printable(text: str) -> str:
    """A text of the implementation in one line that does nothing to a terminal, a file or a reader."""
    flat = " ".join(text.split())
    return flat if flat.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in flat)


def load(path: Path, *, spec: str) -> Run:
    """Reads a results.json of this suite and of this spec. Raises ResultsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultsError("%s: %s; give the results.json of a run" % (path, error.strerror)) from None
    except UnicodeDecodeError:
        raise ResultsError("%s: is not UTF-8; give the results.json of a run" % path) from None
    return loads(text, str(path), spec=spec)


def loads(text: str, source: str, *, spec: str) -> Run:
    """Reads the text of a results.json, from `source`. Raises ResultsError."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ResultsError("%s: is no JSON (%s); give the results.json of a run" % (source, error)) from None
    try:
        return _run(body, spec)
    except _WrongError as error:
        raise ResultsError("%s: %s" % (source, error)) from None


class _WrongError(Exception):
    """What is wrong, and the remedy."""


def _run(body: Any, spec: str) -> Run:
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        said = body.get("schema") if isinstance(body, dict) else None
        raise _WrongError("has the schema %s, not %s; run this suite again" % (_short(said), SCHEMA))
    for what, ours in (("suite", SUITE), ("spec", spec)):
        if body.get(what) != ours:
            said = _short(body.get(what))
            raise _WrongError("is of the %s %s, this is %s; run the suite again" % (what, said, _short(ours)))
    head = _Body(body, "")
    about = _Body(head.get("implementation", dict), "implementation.")
    cases = head.get("cases", list)
    run = Run(
        spec=spec,
        kind=head.one_of("kind", KINDS),
        implementation=Implementation(*(about.get(field, str) for field in Implementation._fields)),
        command=head.texts("command"),
        scale=head.number("scale"),
        started=head.get("started", str),
        seconds=head.number("seconds"),
        cases=tuple(_case(_Body(case, "cases[%d]." % at)) for at, case in enumerate(cases)),
        problems=head.texts("problems"),
    )
    if not _STARTED.fullmatch(run.started):
        raise _WrongError("started: %s is no time in UTC; run the suite again" % _short(run.started))
    if len({case.id for case in run.cases}) < len(run.cases):
        raise _WrongError("cases: two of them have the same id; run the suite again")
    for key, found in (("counts", run.counts), ("exit", run.exit_code)):
        if body.get(key) != found:
            raise _WrongError("%s: is not what the cases say, %s; leave the file as it was written" % (key, found))
    return run


def _case(body: _Body) -> Result:
    return Result(
        id=body.get("id", str),
        name=body.get("name", str),
        kind=body.get("kind", str),
        level=body.one_of("level", LEVELS),
        requires=body.texts("requires"),
        verdict=body.one_of("verdict", Verdict.ALL),
        seconds=body.number("seconds"),
        detail=body.get("detail", str),
        log=body.texts("log") if "log" in body.body else (),
    )


class _Body:
    """An object of the file, and where it stands."""

    def __init__(self, body: Any, where: str) -> None:
        if not isinstance(body, dict):
            raise _WrongError("%s: is %s, not an object; run the suite again" % (where.rstrip("."), _short(body)))
        self.body = body
        self.where = where

    def get(self, key: str, kind: type) -> Any:
        value = self.body.get(key)
        if not isinstance(value, kind):
            raise self.wrong(key)
        return value

    def one_of(self, key: str, values: tuple[str, ...]) -> str:
        value = self.get(key, str)
        if value not in values:
            raise self.wrong(key)
        return str(value)

    def number(self, key: str) -> float:
        value = self.body.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(key)
        try:
            number = float(value)
        except OverflowError:
            raise self.wrong(key) from None
        # Not a number and the infinities are no JSON, but Python reads them.
        if not 0 <= number < float("inf"):
            raise self.wrong(key)
        return number

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.get(key, list)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key)
        return tuple(values)

    def wrong(self, key: str) -> _WrongError:
        said = "is %s" % _short(self.body[key]) if key in self.body else "is not there"
        return _WrongError("%s%s: %s (see results.schema.json); run the suite again" % (self.where, key, said))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value.isprintable() else json.dumps(value)
    return text if len(text) <= 20 else text[:12] + "…"
