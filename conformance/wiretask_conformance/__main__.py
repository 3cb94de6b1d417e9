"""The command line: `python -m wiretask_conformance`, or the one file `wiretask-conformance.pyz`."""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from wiretask_conformance import called, copying, coverage, interrupts, judging, performance, spec
from wiretask_conformance.called import PROGRAM
from wiretask_conformance.explain import Explainer
from wiretask_conformance.judging import UsageError
from wiretask_conformance.known import KnownError
from wiretask_conformance.results import CONTRACT, SUITE, USAGE, ResultsError, Run, load
from wiretask_conformance.testee import ContractError, NoProgramError

GATE = 5
_ROLES = {
    "codec": "golden frames against a codec",
    "worker": "scenarios against a worker",
    "client": "scenarios against a client",
    "scheduler": "scenarios against a scheduler",
}
_EPILOG = """exit codes: 0 conformant; 1 the implementation is wrong; 2 wrong usage, a wrong file, or nothing judged;
3 the adapter broke its contract; 4 the suite failed; 5 the coverage is not complete; 129, 130 and 143 interrupted.
What an adapter is stands in conformance/README.md, with a complete one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs and returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    own, command = _split(words)
    parser = _parser()
    options, rest = parser.parse_known_args(own)
    if rest:
        parser.error(_stray(own, rest, options))
    if command and options.act is not judging.order:
        parser.error("%s takes no adapter; leave out %s" % (own[0], shlex.join(["--", *command])))
    try:
        with interrupts.raised():
            code: int = options.act(options, command)
    except (KnownError, ResultsError, UsageError) as error:
        return _say(str(error), USAGE)
    except NoProgramError as error:
        return _say(str(error), USAGE)
    except ContractError as error:
        return _say("the adapter is wrong, nothing was judged: %s" % error, CONTRACT)
    except OSError as error:
        where = "" if error.filename is None else "%s: " % error.filename
        return _say("%s%s" % (where, error.strerror), USAGE)
    except KeyboardInterrupt as error:
        word, number = interrupts.said(error)
        return _say("%s; the adapters are ended and nothing is reported" % word, number)
    return code


def _say(text: str, code: int) -> int:
    for line in text.splitlines():
        print("%s: %s" % (PROGRAM, line), file=sys.stderr)
    return code


def _stray(own: Sequence[str], rest: Sequence[str], options: argparse.Namespace) -> str:
    """What is wrong with words that are not understood; most often it is a command, and the dashes before it lack."""
    text = "unrecognized arguments: %s" % shlex.join(rest)
    if options.act is not judging.order or rest[0].startswith("-"):
        return text
    left = list(own)
    for word in rest:
        left.remove(word)
    better = shlex.join([*left, "--", *rest])
    return "%s; the command of an adapter comes after --: %s %s" % (text, called.command(), better)


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
    parser.set_defaults(act=judging.order, role=role)


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


def _copy(options: argparse.Namespace, _command: tuple[str, ...]) -> int:
    loaded = spec.load()
    cases = copying.copy(loaded, options.folder, max(loaded.versions))
    return judging.show(["%d cases in %s" % (cases, options.folder)], 0)


def _explain(options: argparse.Namespace, _command: tuple[str, ...]) -> int:
    explainer = Explainer(spec.load())
    if options.case not in explainer:
        near = explainer.near(options.case)
        hint = "; did you mean %s?" % " or ".join(near) if near else "; --list of a role names them all"
        raise UsageError("there is no case %s%s" % (options.case, hint))
    return judging.show([explainer.explain(options.case)], 0)


def _matrix(options: argparse.Namespace, _command: tuple[str, ...]) -> int:
    runs = [load(path, spec=spec.load().digest) for path in options.results]
    for path, run in zip(options.results, runs):
        _check_cases(path, run)
    text = judging.pages(runs)
    if options.output is None:
        return judging.show([text], 0)
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
    return judging.show(coverage.lines(found), 0 if found.complete else GATE)


if __name__ == "__main__":
    sys.exit(main())
