"""Several runs as one matrix: requirements and groups of cases down, implementations across.

It knows no HTML. Runs of one implementation share a column, as long as each tests another part. A case stands in full
in one row, its home, and is referred to from the rows of the requirements that it tests besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from wiretask_conformance.results import Implementation, Result, Run, Verdict

#: Requirements, by the messages and structs that they are about.
_GROUPS = (
    ("Connection", ("Hello", "VersionRange", "Auth", "Error", "Goodbye")),
    ("Submitting", ("Submit", "Accepted", "Schedule", "Cancel", "Query", "Status", "Await")),
    ("Running tasks", ("Subscribe", "Credit", "Task", "Progress", "Result", "Retract", "Return", "Resume")),
)
_OTHERS = "Other requirements"
#: Cases by their kind, where no requirement is their home.
_KINDS = {
    "scenario": "Scenarios",
    "cell": "States",
    "decode": "Messages, decoded",
    "relayed": "Relayed structs, decoded",
    "encode": "Messages, encoded",
    "stream": "Streams",
    "split": "Streams, split everywhere",
}
#: The worst first: what a cell of many cases shows.
SEVERITY = (
    *(Verdict.HARNESS_ERROR, Verdict.CRASH, Verdict.TIMEOUT, Verdict.FAIL, Verdict.WRONG_ERROR),
    *(Verdict.CONTRACT, Verdict.UNEXPECTED_PASS, Verdict.KNOWN_FAIL, Verdict.FLAKY, Verdict.PASS),
    Verdict.NOT_APPLICABLE,
)


class Column(NamedTuple):
    """An implementation, and the runs that tested its parts."""

    implementation: Implementation
    runs: tuple[Run, ...]


class Case(NamedTuple):
    """A case, and what each column made of it (None where it was not run)."""

    part: str
    about: Result
    found: tuple[Result | None, ...]

    @property
    def clean(self) -> bool:
        """Whether it passed wherever it applies."""
        fine = (None, Verdict.PASS, Verdict.NOT_APPLICABLE)
        return all((result and result.verdict) in fine for result in self.found)

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        return "%s.%s" % (self.part, self.about.id)


class Row(NamedTuple):
    """A requirement or a group of cases."""

    title: str
    about: str
    level: str
    #: Those whose home it is, and those that stand elsewhere.
    cases: tuple[Case, ...]
    elsewhere: tuple[Case, ...] = ()

    def verdicts(self, column: int) -> dict[str, int]:
        """How often a column has which verdict in this row; the worst first."""
        results = [case.found[column] for case in (*self.cases, *self.elsewhere)]
        found = [result.verdict for result in results if result is not None]
        return {verdict: found.count(verdict) for verdict in SEVERITY if verdict in found}

    @property
    def clean(self) -> bool:
        """Whether everything passed wherever it applies."""
        return all(case.clean for case in (*self.cases, *self.elsewhere))


class Section(NamedTuple):
    """Rows that belong together."""

    title: str
    rows: tuple[Row, ...]


def columns(runs: Iterable[Run]) -> list[Column]:
    """A column an implementation; another one where a part was tested twice."""
    made: list[Column] = []
    for run in runs:
        for at, column in enumerate(made):
            if column.implementation == run.implementation and all(one.kind != run.kind for one in column.runs):
                made[at] = column._replace(runs=(*column.runs, run))
                break
        else:
            made.append(Column(run.implementation, (run,)))
    return made


def sections(across: Sequence[Column], requirements: Sequence[Mapping[str, str]]) -> list[Section]:
    """The rows of the matrix; requirements without a case have a row too."""
    cases = _cases(across)
    known = {requirement["id"] for requirement in requirements}
    strange = {name for case in cases for name in case.about.requires} - known
    requirements = [*requirements, *({"id": name, "message": "", "about": ""} for name in sorted(strange))]
    known |= strange
    made = [_requirements(title, members, cases, known) for title, members in _grouped(requirements)]
    homeless = [case for case in cases if _home(case.about, known) is None]
    for kind in dict.fromkeys([*_KINDS, *(case.about.kind for case in cases)]):
        groups: dict[str, list[Case]] = {}
        for case in homeless:
            if case.about.kind == kind:
                groups.setdefault(_group(case.about), []).append(case)
        rows = tuple(Row(title, "", "", tuple(members)) for title, members in groups.items())
        made.append(Section(_KINDS.get(kind, kind), rows))
    return [section for section in made if section.rows]


def _cases(across: Sequence[Column]) -> list[Case]:
    found: dict[tuple[str, str], list[Result | None]] = {}
    about: dict[tuple[str, str], Result] = {}
    for at, column in enumerate(across):
        for run in column.runs:
            for result in run.cases:
                key = (run.kind, result.id)
                about.setdefault(key, result)
                found.setdefault(key, [None] * len(across))[at] = result
    return [Case(key[0], about[key], tuple(results)) for key, results in found.items()]


def _grouped(requirements: Sequence[Mapping[str, str]]) -> list[tuple[str, list[Mapping[str, str]]]]:
    order = {message: at for at, message in enumerate(message for _, messages in _GROUPS for message in messages)}
    grouped = {message: title for title, messages in _GROUPS for message in messages}
    by_title: dict[str, list[Mapping[str, str]]] = {title: [] for title, _ in (*_GROUPS, (_OTHERS, ()))}
    for requirement in sorted(requirements, key=lambda one: (order.get(one["message"], len(order)), one["id"])):
        by_title[grouped.get(requirement["message"], _OTHERS)].append(requirement)
    return list(by_title.items())


def _requirements(title: str, members: Iterable[Mapping[str, str]], cases: Iterable[Case], known: set[str]) -> Section:
    by_requirement: dict[str, list[Case]] = {}
    for case in cases:
        for requirement in case.about.requires:
            by_requirement.setdefault(requirement, []).append(case)
    rows: list[Row] = []
    for member in members:
        about = by_requirement.get(member["id"], [])
        here = tuple(case for case in about if _home(case.about, known) == member["id"])
        there = tuple(case for case in about if _home(case.about, known) != member["id"])
        # Rules between fields have no level: they are part of the layout, which all must keep.
        rows.append(Row(member["id"], member["about"], member.get("level", "MUST"), here, there))
    return Section(title, tuple(rows))


def _home(case: Result, known: set[str]) -> str | None:
    """The requirement in whose row a case stands: the first one of a scenario; none of other kinds."""
    if case.kind != "scenario":
        return None
    return next((requirement for requirement in case.requires if requirement in known), None)


def _group(case: Result) -> str:
    """The row of a case without a home, by the first segments of its name."""
    segments = case.name.split("/")
    if segments[0] == case.kind and len(segments) > 1:
        segments = segments[1:]
    return " / ".join(segments[:2] if case.kind == "cell" else segments[:1])
