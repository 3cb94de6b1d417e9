"""One case in words: the octets with what they are, the requirement, what must be said, and how to try it by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from wiretask_conformance import called, golden, scenario
from wiretask_conformance.golden import Case
from wiretask_conformance.patterns import near
from wiretask_conformance.performance import scenarios
from wiretask_conformance.scenario import Scenario
from wiretask_conformance.spec import Spec
from wiretask_conformance.wire import HEADER, Mark, Wire
from wiretask_conformance.wording import demands

#: Octets in a row of the dump; longer fields take several.
_ROW = 16
#: Rows of one field that are shown; the middle of a longer one says nothing.
_MOST_ROWS = 6


class Explainer:
    """Explains every case of one spec."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.wire = Wire(spec)
        cases = golden.load(spec, max(spec.versions))
        played = [one for role in scenario.FILES for one in scenarios(spec, role)]
        self._cases = {key: case for case in cases for key in (case.name, case.id)}
        self._played = {key: played_one for played_one in played for key in (played_one.name, played_one.id)}

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._cases or identifier in self._played

    def near(self, identifier: str) -> list[str]:
        """Names that somebody may have meant."""
        return near(identifier, [*self._cases, *self._played])

    def explain(self, identifier: str) -> str:
        """The text for an id or a name. Raises KeyError."""
        if identifier in self._cases:
            return "\n".join(self._case(self._cases[identifier]))
        return "\n".join(self._scenario(self._played[identifier]))

    def _case(self, case: Case) -> Iterator[str]:
        yield "%s  %s  (%s, %s)" % (case.id, case.name, case.kind, case.level)
        yield from self._requirements(case.requires)
        yield from demands(self.spec, case)
        yield ""
        yield from self._octets(case)
        yield ""
        yield "expected: %s" % _expected(case)
        error = case.expected["error"] if "error" in case.expected else case.expected["ok"].get("error")
        if error is not None:
            yield "  %s: %s" % (error, self.spec.error_texts[error])
        yield ""
        yield "by hand, one line to the adapter's standard input after its start:"
        yield "  %s" % json.dumps({"seq": 2, **case.requests[0]})
        yield "alone: %s codec --run %s -- ./your-adapter" % (called.command(), case.id)

    def _octets(self, case: Case) -> Iterable[str]:
        octets = bytes.fromhex(case.octets)
        request = case.requests[0]
        if case.kind == "encode":
            yield "value: %s" % json.dumps(request["value"])
        if case.kind == "stream":
            yield "read by a %s in the state %s, in %d chunks:" % (
                request["side"],
                request["state"],
                len(request["chunks"]),
            )
            yield from self._frames(octets)
        elif request.get("struct"):
            yield from dump(octets, [], None)
        elif octets:
            offset = case.expected.get("offset")
            yield from dump(octets, self.wire.marks(octets), None if offset is None else HEADER + offset)

    def _frames(self, octets: bytes) -> Iterator[str]:
        """A stream, frame by frame as far as it has frames."""
        at = 0
        while at < len(octets):
            end = at + HEADER + int.from_bytes(octets[at + 1 : at + HEADER], "big")
            frame = octets[at:end]
            known = frame[0] in self.spec.commands and len(frame) > HEADER
            yield from dump(frame, self.wire.marks(frame) if known else [], None)
            at = end

    def _requirements(self, identifiers: Iterable[str]) -> Iterator[str]:
        for identifier in identifiers:
            found = self.spec.requirement(identifier)
            if found is not None:
                yield "%s: %s" % (identifier, found["about"])

    def _scenario(self, played: Scenario) -> Iterator[str]:
        yield "%s  %s  (%s, %s)" % (played.id, played.name, played.kind, played.level)
        yield played.about
        yield from self._requirements(played.requires)
        if played.needs:
            yield "needs: %s" % ", ".join(played.needs)
        if played.config:
            yield "limits of the scheduler: %s" % json.dumps(played.config)
        yield ""
        for number, step in enumerate(played.steps, 1):
            yield "%3d  %s" % (number, _step(step))
        yield ""
        adapter = "./your-client ---- ./your-scheduler" if played.role == "both" else "./your-adapter"
        yield "alone: %s %s --run %s -- %s" % (called.command(), played.role, played.id, adapter)


def dump(octets: bytes, marks: list[Mark], error_at: int | None) -> Iterator[str]:
    """Octets in rows: where they lie, what they are, and an arrow where the error is."""
    named = [mark for mark in marks if mark.end > mark.start]
    end = max((mark.end for mark in named), default=0)
    if end < len(octets):
        named.append(Mark(end, len(octets), "" if not marks else "(not read)"))
    pointed = False
    for mark in named:
        arrow = error_at is not None and not pointed and mark.end > error_at
        pointed = pointed or arrow
        yield from _rows(octets[mark.start : mark.end], mark.start, mark.path + ("   <-- here" if arrow else ""))
    if error_at is not None and not pointed:
        yield "%6d  %-48s <-- here" % (error_at, "")


def _rows(octets: bytes, start: int, path: str) -> Iterator[str]:
    rows = range(0, len(octets), _ROW)
    for number, at in enumerate(rows):
        if number == _MOST_ROWS - 1 and len(rows) > _MOST_ROWS:
            yield "        … %d more octets" % (len(octets) - at)
            return
        yield "%6d  %-48s %s" % (start + at, octets[at : at + _ROW].hex(" "), path if not number else "")


def _expected(case: Case) -> str:
    if "error" in case.expected:
        words = [case.expected["error"]]
        if case.expected.get("field"):
            words.append("in the field %s" % case.expected["field"])
        if case.expected.get("offset") is not None:
            words.append("at offset %d of the payload" % case.expected["offset"])
        return " ".join(words)
    return json.dumps(case.expected["ok"])


def _step(step: dict[str, Any]) -> str:
    verb = next(iter(step))
    rest = " ".join("%s=%s" % (key, json.dumps(value)) for key, value in step.items() if key != verb)
    return "%-14s %s  %s" % (verb, step[verb], rest)
