"""The command line: `python -m wiretask_conformance`, or the one file `wiretask-conformance.pyz`."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from wiretask_conformance import copying, coverage, interrupts, known, performance, spec
from wiretask_conformance.explain import Explainer
from wiretask_conformance.known import KnownError
from wiretask_conformance.patterns import matches
from wiretask_conformance.performance import Wanted
from wiretask_conformance.reports.junit import junit
from wiretask_conformance.reports.page import page
from wiretask_conformance.reports.summary import summary
from wiretask_conformance.results import CONTRACT, SUITE, USAGE, WRONG, ResultsError, Run, load
from wiretask_conformance.testee import ContractError, NoProgramError
from wiretask_conformance.ticker import Ticker

PROGRAM = "wiretask-conformance"
GATE = 5
_ROLES = {
    "codec": "golden frames against a codec",
    "worker": "scenarios against a worker",
    "client": "scenarios against a client",
    "scheduler": "scenarios against a scheduler",
}
_EPILOG = """exit codes: 0 conformant; 1 the implementation is wrong; 2 usage, or the list of known failures is wrong;
3 the adapter broke its contract; 4 the suite failed; 5 the coverage is not complete; 129, 130 and 143 interrupted.
What an adapter is stands in conformance/README.md, with a complete one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs and returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    own, command = _split(words)
    parser = _parser()
    options, rest = parser.parse_known_args(own)
    if rest:
        parser.error("unrecognized arguments: %s; the command of an adapter comes after --" % " ".join(rest))
    try:
        with interrupts.raised():
            code: int = options.act(options, command)
        sys.stdout.flush()
    except (KnownError, ResultsError, _Usage) as error:
        return _say(str(error), USAGE)
    except NoProgramError as error:
        return _say(str(error), USAGE)
    except ContractError as error:
        return _say("the adapter is wrong, nothing was judged: %s" % error, CONTRACT)
    except BrokenPipeError:
        # Who reads no more has seen enough; what Python flushes at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = "" if error.filename is None else "%s: " % error.filename
        return _say("%s%s" % (where, error.strerror), USAGE)
    except KeyboardInterrupt as error:
        word, number = interrupts.said(error)
        return _say("%s; the adapters are ended and nothing is reported" % word, number)
    return code


class _Usage(Exception):
    """What was asked for cannot be done; the text says why."""


def _say(text: str, code: int) -> int:
    for line in text.splitlines():
        print("%s: %s" % (PROGRAM, line), file=sys.stderr)
    return code


def _split(words: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Our own words, and the command after `--`."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], tuple(words[at + 1 :])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(PROGRAM, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--version", action="version", version="%s %s, spec %s" % (PROGRAM, SUITE, spec.load().digest[:12])
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for role, text in _ROLES.items():
        one = commands.add_parser(role, help=text, usage="%s %s [options] -- ADAPTER [ARG ...]" % (PROGRAM, role))
        _add_run(one, role)
    usage = "%s both [options] -- CLIENT [ARG ...] ---- SCHEDULER [ARG ...]" % PROGRAM
    _add_run(
        commands.add_parser("both", help="a client against a scheduler, with a tap between them", usage=usage), "both"
    )
    one = commands.add_parser("copy", help="the data alone, into a folder")
    one.add_argument("folder", type=Path)
    one.set_defaults(act=_copy)
    one = commands.add_parser("explain", help="a case: its octets, its requirement, how to try it")
    one.add_argument("case", metavar="ID")
    one.set_defaults(act=_explain)
    one = commands.add_parser("matrix", help="an HTML page from the results of several implementations")
    one.add_argument("results", nargs="+", type=Path, metavar="RESULTS.json")
    one.add_argument("--output", "-o", type=Path, help="instead of standard output")
    one.set_defaults(act=_matrix)
    one = commands.add_parser("coverage", help="what of the spec the suite looks at, and what not")
    one.set_defaults(act=_coverage)
    return parser


def _add_run(parser: argparse.ArgumentParser, role: str) -> None:
    parser.add_argument(
        "--run", action="append", default=[], metavar="PATTERN", help="only these cases (ids or names; * and **)"
    )
    parser.add_argument("--known", type=Path, metavar="FILE", help="the list of known failures")
    parser.add_argument("--update-known", action="store_true", help="write that list anew from what fails now")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="results.json, junit.xml and index.html go there")
    parser.add_argument("--scale", type=_scale, default=1.0, metavar="N", help="wait N times as long")
    parser.add_argument(
        "--times", type=_times, default=1, metavar="N", help="run N times; every case must have one verdict"
    )
    parser.add_argument("--list", action="store_true", help="name the cases and run none")
    parser.set_defaults(act=_run, role=role)


def _scale(text: str) -> float:
    """Raises ValueError, which argparse says in its words."""
    scale = float(text)
    if not 0 < scale < math.inf:
        raise ValueError(text)
    return scale


def _times(text: str) -> int:
    times = int(text)
    if times < 1:
        raise ValueError(text)
    return times


def _run(options: argparse.Namespace, command: tuple[str, ...]) -> int:
    loaded = spec.load()
    listed = known.load(options.known) if options.known is not None and not _missing(options) else None
    wanted = Wanted(options.role, command, tuple(options.run), max(loaded.versions), options.scale, listed)
    chosen = performance.names(loaded, wanted)
    _check_patterns(options, chosen)
    if options.list:
        return _list(chosen)
    if not command:
        raise _Usage("after -- comes the command of the adapter; conformance/README.md says what it answers")
    if options.role == "both" and not all(performance.two(command)):
        raise _Usage("both takes two commands, with ---- between them: the client's and the scheduler's")
    if options.update_known and options.known is None:
        raise _Usage("--update-known writes the list that --known names")
    _check_writable(options)
    with Ticker(len(chosen) * options.times) as ticker:
        run, results = performance.run(loaded, wanted, ticker.tick)
        others = [performance.run(loaded, wanted, ticker.tick)[0] for _ in range(options.times - 1)]
    for line in summary(run):
        print(line)
    if others and _unsteady(run, others):
        return WRONG
    if options.report is not None:
        _report(run, options.report)
    if options.update_known:
        text = known.updated(listed, results, complete=not options.run)
        options.known.write_text(text, encoding="utf-8")
        print("known failures: %d in %s" % (len(known.load(options.known).entries), options.known))
    return run.exit_code


def _check_patterns(options: argparse.Namespace, chosen: Sequence[tuple[str, str]]) -> None:
    for pattern in options.run:
        if not any(matches(pattern, *names) for names in chosen):
            raise _Usage("--run %s is no case of a %s; `%s --list` names them" % (pattern, options.role, options.role))


def _check_writable(options: argparse.Namespace) -> None:
    """What cannot be written is said before the run, not after it. Raises OSError."""
    if options.report is not None:
        options.report.mkdir(parents=True, exist_ok=True)
        probe = options.report / "results.json.new"
        probe.touch()
        probe.unlink()
    if options.update_known:
        options.known.open("a").close()


def _unsteady(first: Run, others: Sequence[Run]) -> bool:
    """Says which cases have had more than one verdict."""
    verdicts = [{case.id: case.verdict for case in run.cases} for run in (first, *others)]
    changing = [case for case in first.cases if len({verdict.get(case.id) for verdict in verdicts}) > 1]
    for case in changing:
        print("  UNSTEADY %s: %s" % (case.name, ", ".join(str(verdict.get(case.id)) for verdict in verdicts)))
    print(
        "%d of %d cases had the same verdict %d times"
        % (len(first.cases) - len(changing), len(first.cases), len(verdicts))
    )
    return bool(changing)


def _missing(options: argparse.Namespace) -> bool:
    """A list that is to be written anew need not be there."""
    return bool(options.update_known and not options.known.exists())


def _list(chosen: Sequence[tuple[str, str]]) -> int:
    for identifier, name in chosen:
        print("%s  %s" % (identifier, name))
    return 0


def _report(run: Run, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    run.write(folder / "results.json")
    (folder / "junit.xml").write_text(junit(run), encoding="utf-8")
    (folder / "index.html").write_text(_page([run]), encoding="utf-8")
    print("reports: %s" % (folder / "index.html"))


def _page(runs: Sequence[Run]) -> str:
    loaded = spec.load()
    return page(runs, [*loaded.requirements, *loaded.rules], Explainer(loaded).explain)


def _copy(options: argparse.Namespace, _command: tuple[str, ...]) -> int:
    loaded = spec.load()
    print("%d cases in %s" % (copying.copy(loaded, options.folder, max(loaded.versions)), options.folder))
    return 0


def _explain(options: argparse.Namespace, _command: tuple[str, ...]) -> int:
    explainer = Explainer(spec.load())
    if options.case not in explainer:
        near = explainer.near(options.case)
        hint = "; did you mean %s?" % " or ".join(near) if near else "; --list of a role names them all"
        raise _Usage("there is no case %s%s" % (options.case, hint))
    print(explainer.explain(options.case))
    return 0


def _matrix(options: argparse.Namespace, _command: tuple[str, ...]) -> int:
    runs = [load(path, spec=spec.load().digest) for path in options.results]
    for path, run in zip(options.results, runs):
        _check_cases(path, run)
    text = _page(runs)
    if options.output is None:
        print(text)
    else:
        options.output.write_text(text, encoding="utf-8")
    return 0


def _check_cases(path: Path, run: Run) -> None:
    """The cases of a run must be ours, or a row of the matrix would say nothing. Raises ResultsError."""
    loaded = spec.load()
    ours = {case.id: case for case in performance.cases(loaded, run.kind, max(loaded.versions))}
    for case in run.cases:
        if case.id not in ours:
            raise ResultsError("%s: has a case %s that this suite has not; run the suite again" % (path, case.id))
        for what in ("name", "kind", "level", "requires"):
            said, is_ = getattr(case, what), getattr(ours[case.id], what)
            if said != is_:
                text = "%s: says of the case %s that its %s is %s, and it is %s; run the suite again"
                raise ResultsError(text % (path, case.id, what, json.dumps(said), json.dumps(is_)))


def _coverage(_options: argparse.Namespace, _command: tuple[str, ...]) -> int:
    found = coverage.measure(spec.load())
    for line in coverage.lines(found):
        print(line)
    return 0 if found.complete else GATE


if __name__ == "__main__":
    sys.exit(main())
