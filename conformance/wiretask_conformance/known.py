"""The list of known failures: what an implementation is known to do wrong, and why it may for now.

    pattern [until=2027-01-01] [expect=BAD_ENUM]  # reason

A pattern is the id or the name of a case; `*` stands for anything within a segment, `**` for anything. The list excuses
failures and nothing else, and it cannot rot: an entry whose case passes, that matches nothing, or whose day has gone is
an error. It knows no clock: the day is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from wiretask_conformance.patterns import matches
from wiretask_conformance.results import Result, Verdict, printable

_REASON = re.compile(r"\s#")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
#: What an implementation did stands after this where a detail says both what it must do and what it did.
_SAID = ", and was "
_LINE = "a line is: pattern [until=2027-01-01] [expect=BAD_ENUM]  # reason"


class KnownError(Exception):
    """A list cannot be read; `problems` has a line for each wrong one, and the text is those lines."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Entry(NamedTuple):
    """One line of the list."""

    pattern: str
    until: date | None
    expect: str | None
    reason: str
    #: Where it stands, from 1.
    line: int

    def matches(self, result: Result) -> bool:
        """Whether it is about a case."""
        return matches(self.pattern, result.id, result.name)

    def expects(self, result: Result) -> bool:
        """Whether a case fails in the way that is known: `expect` is its verdict, or a word of what it did instead."""
        if self.expect in (None, result.verdict):
            return True
        return self.expect in re.findall(r"\w+", result.detail.rpartition(_SAID)[2])


class Known(NamedTuple):
    """A list that was read: its lines as they are, and what they say."""

    file: str
    lines: tuple[str, ...]
    entries: tuple[Entry, ...]


class Applied(NamedTuple):
    """Results with the list applied, and what is wrong with the list."""

    results: list[Result]
    problems: list[str]


def load(path: Path) -> Known:
    """Reads a list. Raises KnownError."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise KnownError(["%s: %s; give a list of known failures" % (path, error.strerror)]) from None
    except UnicodeDecodeError:
        raise KnownError(["%s: is not UTF-8; write it in UTF-8" % path]) from None


def parse(text: str, file: str) -> Known:
    """Reads the text of a list. Raises KnownError with all of its wrong lines."""
    lines = tuple(text.split("\n"))
    entries: dict[str, Entry] = {}
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            entry = _entry(line, number)
        except _WrongError as error:
            problems.append("%s:%d: %s" % (file, number, error))
            continue
        former = entries.setdefault(entry.pattern, entry)
        if former is not entry:
            what = (file, number, entry.pattern, former.line)
            problems.append("%s:%d: %s stands in line %d already; leave one of them" % what)
    if problems:
        raise KnownError(problems)
    return Known(file, lines, tuple(entries.values()))


class _WrongError(Exception):
    """What is wrong with a line, and the remedy."""


def _entry(line: str, number: int) -> Entry:
    if not line.strip().replace("\t", " ").isprintable():
        raise _WrongError("%s has characters that cannot be seen; write it with spaces and letters" % ascii(line))
    what, reason = (*_REASON.split(line, maxsplit=1), "")[:2]
    if not reason.strip():
        raise _WrongError("there is no reason; %s" % _LINE)
    pattern, *options = what.split()
    _check_pattern(pattern)
    said: dict[str, str] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if key not in ("until", "expect") or not equals:
            raise _WrongError("%s is not understood; %s" % (option, _LINE))
        if key in said:
            raise _WrongError("%s= stands there twice; leave one of them" % key)
        said[key] = value
    return Entry(pattern, _until(said.get("until")), _expect(said.get("expect")), reason.strip(), number)


def _check_pattern(pattern: str) -> None:
    if "***" in pattern:
        raise _WrongError("%s has three stars; * is within a segment, ** across them" % pattern)
    if not pattern.strip("*/"):
        raise _WrongError("%s excuses every case; name what is known to fail" % pattern)


def _until(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _WrongError("until=%s is no day; write it as until=2027-01-01" % text)


def _expect(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"\w+", text):
        raise _WrongError("expect=%s is no word; write a verdict or the name of an error, expect=BAD_ENUM" % text)
    if text in set(Verdict.ALL) - Verdict.FAILING:
        raise _WrongError("expect=%s is no way to fail; write one of %s" % (text, ", ".join(sorted(Verdict.FAILING))))
    return text


def apply(known: Known, results: Iterable[Result], today: date, *, complete: bool = True) -> Applied:
    """Excuses what is known to fail. `complete=False` after a run of chosen cases: entries may match nothing then."""
    matched: set[Entry] = set()
    applied: list[Result] = []
    for result in results:
        entries = [entry for entry in known.entries if entry.matches(result)]
        matched.update(entries)
        applied.append(_applied(result, entries, known.file) if entries else result)
    problems = []
    for entry in known.entries:
        where = "%s:%d: " % (known.file, entry.line)
        if complete and entry not in matched:
            problems.append(where + "%s matches no case; correct it or delete the line" % entry.pattern)
        if entry.until is not None and entry.until < today:
            problems.append(where + "%s was to fail until %s; mend it or decide anew" % (entry.pattern, entry.until))
    return Applied(applied, problems)


def _applied(result: Result, entries: Sequence[Entry], file: str) -> Result:
    if result.verdict == Verdict.PASS:
        detail = "passes, and %s:%d says that it fails; delete the line" % (file, entries[0].line)
        return result._replace(verdict=Verdict.UNEXPECTED_PASS, detail=detail)
    if result.verdict not in Verdict.FAILING:
        return result
    for entry in entries:
        if entry.expects(result):
            return result._replace(verdict=Verdict.KNOWN_FAIL, detail="%s (known: %s)" % (result.detail, entry.reason))
    detail = "%s (%s:%d expects %s)" % (result.detail, file, entries[0].line, entries[0].expect)
    return result._replace(detail=detail)


def updated(known: Known | None, results: Iterable[Result], *, complete: bool = True) -> str:
    """The text of a list that excuses what fails now, and only that. The results are those before `apply`.

    Comments, reasons and days stay; a day that has gone stays wrong, because a day is for people to set.
    """
    known = known or Known("", (), ())
    cases = list(results)
    failing = {case.id: case for case in cases if case.verdict in Verdict.FAILING}
    about = {entry.line: [case for case in cases if entry.matches(case)] for entry in known.entries}
    kept = {entry.line for entry in known.entries if _holds(entry, about[entry.line], complete=complete)}
    for entry in known.entries:
        if entry.line in kept:
            for case in about[entry.line]:
                failing.pop(case.id, None)
    entries = {entry.line: entry for entry in known.entries}
    lines: list[str] = []
    for number, line in enumerate(known.lines, 1):
        if number not in entries or number in kept:
            lines.append(line)
            continue
        # What is left of a pattern, case by case.
        entry = entries[number]
        left = [case for case in about[number] if case.id in failing and entry.expects(case)]
        lines += [_line(failing.pop(case.id), entry, entry.reason) for case in left]
    while lines and not lines[-1].strip():
        lines.pop()
    lines += [_line(case, None, printable(case.detail)) for case in failing.values()]
    return "".join(line + "\n" for line in lines)


def _holds(entry: Entry, about: Sequence[Result], *, complete: bool) -> bool:
    """Whether an entry may stay as it is."""
    if not about:
        return not complete
    failing = [case for case in about if case.verdict in Verdict.FAILING]
    passing = any(case.verdict == Verdict.PASS for case in about)
    return bool(failing) and not passing and all(entry.expects(case) for case in failing)


def _line(case: Result, entry: Entry | None, reason: str) -> str:
    words = [case.name]
    if entry is not None and entry.until is not None:
        words.append("until=%s" % entry.until)
    if entry is not None and entry.expect is not None:
        words.append("expect=%s" % entry.expect)
    return "%s  # %s" % (" ".join(words), reason or "not said")
