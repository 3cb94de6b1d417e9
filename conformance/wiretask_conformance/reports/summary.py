"""A run in the lines of a terminal: the counts, the failures that fit, and one last line to look for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wiretask_conformance.results import LEVELS, Result, Run, Verdict, printable

#: Failures that are shown: the first screen is read, the rest is in the other reports.
SHOWN = 20
#: A detail is cut here: three lines of a terminal.
DETAIL = 240
_CONCLUSIONS = (
    "conformant",
    "not conformant",
    "no verdict: the list of known failures is wrong, or nothing was judged",
    "no verdict: the adapter broke its contract",
    "no verdict: the harness failed",
)


def summary(run: Run, *, shown: int = SHOWN, program: str = "wiretask-conformance") -> list[str]:
    """The lines; `program` is what explains a case."""
    explain = program.replace("%", "%%") + " explain %s"
    return [
        _title(run),
        *_table(run),
        *_failures([case for case in run.cases if case.failed], shown, explain),
        *("  LIST %s" % printable(problem) for problem in run.problems),
        _CONCLUSIONS[run.exit_code] + _excused(run),
        last(run),
    ]


def last(run: Run) -> str:
    """The line that counts."""
    counts = [level.get for level in run.counts.values()]
    passed, not_applicable = (
        sum(get(verdict, 0) for get in counts) for verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    )
    failed = sum(case.failed for case in run.cases)
    return "%d passed, %d failed, %d not applicable" % (passed, failed, not_applicable)


def _title(run: Run) -> str:
    scale = "" if run.scale == 1 else ", waits times %g" % run.scale
    about = (printable(str(run.implementation)), run.kind, run.spec[:12], run.suite, run.seconds, scale)
    return "%s: %s, spec %s, suite %s, %.1f s%s" % about


def _table(run: Run) -> Iterator[str]:
    """A line for each kind and level."""
    rows = [
        (kind, level, levels[level])
        for kind, levels in run.counts_by_kind.items()
        for level in LEVELS
        if level in levels
    ]
    wide = max((len(kind) for kind, _, _ in rows), default=0)
    for kind, level, verdicts in rows:
        yield "  %-*s  %-6s  %s" % (wide, kind, level, _verdicts(verdicts))


def _verdicts(counts: Mapping[str, int]) -> str:
    return ", ".join("%d %s" % (number, verdict.replace("_", " ")) for verdict, number in counts.items())


def _failures(failed: Sequence[Result], shown: int, explain: str) -> Iterator[str]:
    for case in failed[:shown]:
        level = "" if case.level == "MUST" else case.level + " "
        yield "  %s%s %s: %s" % (level, case.verdict.upper(), printable(case.name), _short(printable(case.detail)))
        yield "    " + explain % printable(case.id)
    if len(failed) > shown:
        yield "  … and %d more; --report FOLDER has all of them" % (len(failed) - shown)


def _short(detail: str) -> str:
    return detail if len(detail) <= DETAIL else detail[: DETAIL - 1] + "…"


def _excused(run: Run) -> str:
    """What leaves it conformant, and is said all the same."""
    shoulds = sum(case.level == "SHOULD" and case.verdict in Verdict.FAILING for case in run.cases)
    known, flaky = (
        sum(case.verdict == verdict for case in run.cases) for verdict in (Verdict.KNOWN_FAIL, Verdict.FLAKY)
    )
    counts = (("%d SHOULD not kept", shoulds), ("%d known to fail", known), ("%d flaky", flaky))
    said = [words % number for words, number in counts if number]
    return " (%s)" % ", ".join(said) if said else ""
