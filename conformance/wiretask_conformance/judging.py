"""A run as it is ordered on the command line.

What can be known to be wrong is said before anything is run; what is to be kept is written before anything is shown.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from wiretask_conformance import called, known, performance, spec
from wiretask_conformance.explain import Explainer
from wiretask_conformance.known import Known
from wiretask_conformance.patterns import matches, near
from wiretask_conformance.performance import Wanted
from wiretask_conformance.reports.junit import junit
from wiretask_conformance.reports.page import page
from wiretask_conformance.reports.summary import summary
from wiretask_conformance.results import WRONG, Result, Run
from wiretask_conformance.ticker import Ticker

_REPORTS = ("results.json", "junit.xml", "index.html")


class UsageError(Exception):
    """What was asked for cannot be done; the text says why, and the remedy."""


def order(options: argparse.Namespace, command: tuple[str, ...]) -> int:
    """Runs what is wanted and returns the exit code. Raises UsageError, KnownError or ContractError."""
    loaded = spec.load()
    listed = known.load(options.known) if options.known is not None and not _missing(options) else None
    wanted = Wanted(options.role, command, tuple(options.run), max(loaded.versions), options.scale, listed)
    every = performance.names(loaded, wanted._replace(patterns=()))
    _check_patterns(wanted, every)
    chosen = [names for names in every if wanted.has(*names)]
    if options.list:
        return show(("%s  %s" % names for names in chosen), 0)
    _check_command(options.role, command)
    _check_writable(options)
    runs: list[Run] = []
    results: list[Result] = []
    for number in range(options.times):
        about = "" if options.times == 1 else "run %d of %d: " % (number + 1, options.times)
        with Ticker(len(chosen), about) as ticker:
            run, found = performance.run(loaded, wanted, ticker.tick)
        runs.append(run)
        results = results or found
    said = [*_report(runs[0], options.report), *_update(options, listed, results)]
    unsteady = _unsteady(runs)
    steadiness = _steadiness(runs, unsteady) if len(runs) > 1 else ()
    lines = [*summary(runs[0], program=called.command()), *steadiness, *said]
    return show(lines, WRONG if unsteady else runs[0].exit_code)


def show(lines: Iterator[str] | Sequence[str], code: int) -> int:
    """Prints lines and returns the code, also where nobody reads to the end: who has closed a pipe has seen enough."""
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # What Python flushes at its end goes nowhere.
        with Path("/dev/null").open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return code


def pages(runs: Sequence[Run]) -> str:
    """The HTML page of runs."""
    loaded = spec.load()
    return page(runs, [*loaded.requirements, *loaded.rules], Explainer(loaded).explain)


# Before


def _missing(options: argparse.Namespace) -> bool:
    """A list that is to be written anew need not be there."""
    return bool(options.update_known and not options.known.exists())


def _check_patterns(wanted: Wanted, every: Sequence[tuple[str, str]]) -> None:
    """Each pattern must choose something: with one that is mistyped a run would judge less than it seems to."""
    for pattern in wanted.patterns:
        if not any(matches(pattern, *names) for names in every):
            found = near(pattern, [*(name for _, name in every), *(id_ for id_, _ in every)], patterns=True)
            hint = " did you mean %s?" % " or ".join(found) if found else ""
            text = "--run %s is no case of a %s;%s `%s --list` names them"
            raise UsageError(text % (pattern, wanted.role, hint, wanted.role))


def _check_command(role: str, command: tuple[str, ...]) -> None:
    if not command:
        raise UsageError("after -- comes the command of the adapter; conformance/README.md says what it answers")
    if role == "both" and not all(performance.two(command)):
        raise UsageError("both takes two commands, with ---- between them: the client's and the scheduler's")


def _check_writable(options: argparse.Namespace) -> None:
    """What cannot be written is said before the run, not after it."""
    if options.update_known and options.known is None:
        raise UsageError("--update-known writes the list that --known names")
    if options.report is not None:
        try:
            options.report.mkdir(parents=True, exist_ok=True)
            for name in (*_REPORTS, "results.json.new"):
                _probe(options.report / name)
        except OSError as error:
            text = "%s: %s; --report names a folder that can be written"
            raise UsageError(text % (error.filename, error.strerror)) from None
    if options.update_known:
        try:
            _probe(options.known)
        except OSError as error:
            text = "%s: %s; --known names a file that can be written"
            raise UsageError(text % (error.filename, error.strerror)) from None


def _probe(path: Path) -> None:
    """Raises OSError where it cannot be written; leaves it as it was."""
    there = path.exists()
    path.open("a").close()
    if not there:
        path.unlink()


# After


def _report(run: Run, folder: Path | None) -> Iterator[str]:
    if folder is None:
        return
    results_json, junit_xml, index_html = (folder / name for name in _REPORTS)
    run.write(results_json)
    junit_xml.write_text(junit(run), encoding="utf-8")
    index_html.write_text(pages([run]), encoding="utf-8")
    yield "reports: %s" % index_html


def _update(options: argparse.Namespace, listed: Known | None, results: Sequence[Result]) -> Iterator[str]:
    if not options.update_known:
        return
    text = known.updated(listed, results, complete=not options.run)
    options.known.write_text(text, encoding="utf-8")
    before = {entry.pattern for entry in listed.entries} if listed is not None else set()
    after = {entry.pattern for entry in known.load(options.known).entries}
    what = (len(after), options.known, len(after - before), len(before - after))
    yield "known failures: %d in %s, %d of them new; %d are gone" % what


def _unsteady(runs: Sequence[Run]) -> dict[str, list[str]]:
    """The names of the cases that have had more than one verdict, with all of them."""
    verdicts = [{case.id: case.verdict for case in run.cases} for run in runs]
    found = {case.name: [one.get(case.id, "not run") for one in verdicts] for case in runs[0].cases}
    return {name: each for name, each in found.items() if len(set(each)) > 1}


def _steadiness(runs: Sequence[Run], unsteady: dict[str, list[str]]) -> Iterator[str]:
    for name, each in unsteady.items():
        yield "  UNSTEADY %s: %s" % (name, ", ".join(each))
    cases = len(runs[0].cases)
    yield "%d of %d cases had the same verdict %d times" % (cases - len(unsteady), cases, len(runs))
