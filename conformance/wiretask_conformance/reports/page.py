"""The results of several runs as one page: what is tested down, implementations across, everything behind it to open.

One file without scripts: `<details>` opens, and the style follows the reader's light or dark setting. All that comes
from an implementation is text; the page may load nothing, whatever that text is.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from wiretask_conformance.reports.matrix import Case, Column, Row, Section, columns, sections
from wiretask_conformance.results import Result, Run, Verdict

#: How a verdict looks: the colour, the sign, and the words.
_LOOKS = {
    Verdict.PASS: ("good", "✓", "pass"),
    Verdict.FLAKY: ("warn", "~", "flaky"),
    Verdict.FAIL: ("bad", "✗", "fail"),
    Verdict.WRONG_ERROR: ("bad", "✗", "wrong error"),
    Verdict.TIMEOUT: ("bad", "✗", "timeout"),
    Verdict.CRASH: ("bad", "✗", "crash"),
    Verdict.UNEXPECTED_PASS: ("warn", "!", "unexpected pass"),
    Verdict.CONTRACT: ("warn", "!", "contract"),
    Verdict.HARNESS_ERROR: ("warn", "!", "harness error"),
    Verdict.KNOWN_FAIL: ("known", "◐", "known to fail"),
    Verdict.NOT_APPLICABLE: ("none", "\u2013", "not applicable"),
}
_LEGEND = (
    ("good", "✓", "pass"),
    ("bad", "✗", "the implementation is wrong"),
    ("known", "◐", "known failure"),
    ("warn", "!", "the list, the adapter or the harness is wrong"),
    ("none", "\u2013", "not applicable"),
    ("none", "·", "not run"),
)
_CONCLUSIONS = (
    ("good", "conformant"),
    ("bad", "not conformant"),
    ("warn", "the list of known failures is wrong"),
    ("warn", "the adapter broke its contract"),
    ("warn", "the harness failed"),
)
_NOTHING = ("warn", "nothing was judged")
#: More of an explanation is cut off: few cases have more, and those have a million.
EXPLAINED = 4000
#: A line of a log: seconds, the party that we play, the direction, and what went there.
_LOGGED = re.compile(r"\s*(\d+(?:\.\d+)?)\s+(?:(\S+)\s+)?([<>])\s+(.*)", re.DOTALL)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Page(NamedTuple):
    """What the parts of the page share."""

    columns: Sequence[Column]
    explain: Callable[[str], str]


def page(runs: Sequence[Run], requirements: Sequence[Mapping[str, str]], explain: Callable[[str], str]) -> str:
    """The text of the page. `explain` gives what is to be shown of a case, by its id; empty for nothing."""
    shared = Page(columns(runs), explain)
    body = [
        *_head(runs, len(shared.columns)),
        '<div class="cards">',
        *(line for column in shared.columns for line in _card(column)),
        "</div>",
        *_tools(),
        '<main><div class="grid heads"><span>Open a row for its cases, and a case for its octets</span>',
        *("<span>%s</span>" % _named(column, "small") for column in shared.columns),
        "</div>",
        *(line for section in sections(shared.columns, requirements) for line in _section(section, shared)),
        "</main>",
        "<footer>Made by wiretask-conformance from %s.</footer>" % _number(len(runs), "run"),
        "</body></html>",
    ]
    return "\n".join(body) + "\n"


def _head(runs: Sequence[Run], across: int) -> Iterator[str]:
    style = pkgutil.get_data("wiretask_conformance", "reports/page.css")
    assert style is not None
    yield '<!DOCTYPE html><html lang="en" style="--columns:%d"><head><meta charset="utf-8">' % across
    yield "<title>Wiretask conformance</title>"
    yield '<meta http-equiv="Content-Security-Policy" content="%s">' % _POLICY
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield "<style>\n%s</style></head>" % style.decode("utf-8")
    yield "<body><h1>Wiretask conformance</h1>"
    about = [
        "spec <code>%s</code>" % " ".join(sorted({_text(run.spec[:12]) for run in runs})),
        "suite %s" % " ".join(sorted({_text(run.suite) for run in runs})),
        " to ".join(sorted({_text(run.started[:10]) for run in (min(runs, key=_begun), max(runs, key=_begun))})),
    ]
    yield '<p class="lead">%s</p>' % " · ".join(about)


def _begun(run: Run) -> str:
    return run.started


def _card(column: Column) -> Iterator[str]:
    yield '<article class="card"><h2>%s</h2><div>' % _named(column, "span")
    for run in column.runs:
        colour, word = _conclusion(run)
        yield '<div class="run"><b>%s</b><span class="word %s">%s</span>' % (_text(run.kind), colour, word)
        yield '<div class="levels">%s</div>' % "".join(_level(*level) for level in run.counts.items())
        yield '<span class="when">%s <br>%.1f s</span>' % (_text(_when(run.started)), run.seconds)
        if run.problems:
            yield "<ul>%s</ul>" % "".join("<li>%s</li>" % _text(problem) for problem in run.problems)
        yield "</div>"
    yield "</div></article>"


def _named(column: Column, tag: str) -> str:
    name, version, language = map(_text, column.implementation)
    return "%s <%s>%s</%s>" % (name, tag, " ".join(word for word in (version, language) if word), tag)


def _conclusion(run: Run) -> tuple[str, str]:
    nothing = all(case.verdict == Verdict.NOT_APPLICABLE for case in run.cases)
    return _NOTHING if nothing and not run.problems else _CONCLUSIONS[run.exit_code]


def _when(started: str) -> str:
    return started[:16].replace("T", " ") + " UTC"


def _level(level: str, counts: Mapping[str, int]) -> str:
    parts = "".join('<i class="%s" style="flex:%d"></i>' % (_LOOKS[v][0], number) for v, number in counts.items())
    form = '<div class="level"><b>%s</b><span class="bar" aria-hidden="true">%s</span><span>%s</span></div>'
    return form % (level, parts, _counted(counts))


def _counted(counts: Mapping[str, int]) -> str:
    counted = ("%d %s" % (number, _LOOKS[verdict][2]) for verdict, number in counts.items())
    return ", ".join(words.replace(" ", "\u00a0") for words in counted)


def _tools() -> Iterator[str]:
    yield '<div class="tools"><div class="choice" role="radiogroup" aria-label="Rows that are shown">'
    choices = (("all", "all"), ("open", "not all passed"), ("differing", "where they differ"))
    for value, words in choices:
        checked = " checked" if value == "all" else ""
        yield '<input type="radio" name="show" id="show-%s"%s>' % (value, checked)
        yield '<label for="show-%s">%s</label>' % (value, words)
    signs = "".join('<span><span class="%s">%s</span> %s</span>' % entry for entry in _LEGEND)
    yield '</div><div class="legend">%s</div></div>' % signs


def _section(section: Section, shared: Page) -> Iterator[str]:
    classes = _classes("", clean=all(row.clean for row in section.rows), same=all(_same(row) for row in section.rows))
    yield '<section class="%s"><h2>%s</h2>' % (classes, _text(section.title))
    for row in section.rows:
        yield from _row(row, shared)
    yield "</section>"


def _row(row: Row, shared: Page) -> Iterator[str]:
    cells = [row.verdicts(at) for at in range(len(shared.columns))]
    should = ' <span class="should">SHOULD</span>' if row.level == "SHOULD" else ""
    what = '<span class="what"><b>%s</b>%s%s</span>' % (_text(row.title), _text(row.about), should)
    line = what + "".join(_cell(counts, column) for counts, column in zip(cells, shared.columns))
    if not (row.cases or row.elsewhere):
        yield '<div class="grid empty clean same" id="%s">%s</div>' % (_text(row.title), line)
        return
    classes = _classes("row", clean=row.clean, same=_same(row))
    anchor = ' id="%s"' % _text(row.title) if row.level else ""
    yield '<details class="%s"%s><summary class="grid">%s</summary><div class="cases">' % (classes, anchor, line)
    for case in _worst_first(row.cases):
        yield from _case(case, shared)
    for case in _worst_first(row.elsewhere):
        classes = _classes("case grid", clean=case.clean, same=_agreed(case))
        yield '<a class="%s" href="#%s">%s</a>' % (classes, _reference(case.anchor), _line(case, shared))
    yield "</div></details>"


def _worst_first(cases: Iterable[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: case.clean)


def _cell(counts: Mapping[str, int], column: Column) -> str:
    """What a column made of all cases of a row."""
    if not counts:
        return '<span class="cell none" aria-label="not run">·</span>'
    worst = next(iter(counts))
    colour, sign, _ = _LOOKS[worst]
    alike = sum(number for verdict, number in counts.items() if _LOOKS[verdict][0] == colour)
    judged = sum(counts.values()) - counts.get(Verdict.NOT_APPLICABLE, 0)
    shown = str(alike) if alike == judged or not judged else "%d<em>of %d</em>" % (alike, judged)
    title = "%s: %s" % (_text(str(column.implementation)), _counted(counts))
    form = '<span class="cell %s" title="%s"><span aria-hidden="true">%s</span>%s</span>'
    return form % (colour, title, sign, shown)


def _case(case: Case, shared: Page) -> Iterator[str]:
    classes = _classes("case", clean=case.clean, same=_agreed(case))
    yield '<details class="%s" id="%s"><summary class="grid">%s</summary>' % (
        *(classes, _text(case.anchor), _line(case, shared)),
    )
    yield '<div class="inside">'
    about = case.about
    requires = " ".join('<a href="#%s">%s</a>' % (_reference(name), _text(name)) for name in about.requires)
    facts = "".join("<span>%s</span>" % fact for fact in (_text(about.id), _text(about.kind), about.level, requires))
    yield '<p class="facts">%s</p>' % facts
    explained = shared.explain(about.id)
    if len(explained) > EXPLAINED:
        explained = "%s…\n\nall of it: wiretask-conformance explain %s" % (explained[:EXPLAINED], about.id)
    if explained:
        yield "<pre>%s</pre>" % _lines(explained)
    for result, column in zip(case.found, shared.columns):
        if result is not None and result.verdict != Verdict.PASS:
            yield from _found(result, column)
    yield "</div></details>"


def _line(case: Case, shared: Page) -> str:
    cells = (
        '<span class="cell none">·</span>' if result is None else _verdict(result.verdict) for result in case.found
    )
    name = case.about.name if case.part == "codec" else "%s: %s" % (case.part, case.about.name)
    return '<span class="what">%s</span>%s' % (_text(name), "".join(cells))


def _verdict(verdict: str) -> str:
    colour, sign, words = _LOOKS[verdict]
    return '<span class="cell %s"><span aria-hidden="true">%s</span>%s</span>' % (colour, sign, words)


def _found(result: Result, column: Column) -> Iterator[str]:
    """What one column made of a case that it has not passed."""
    yield '<div class="found"><h4>%s %s</h4>' % (_text(str(column.implementation)), _verdict(result.verdict))
    if result.detail:
        yield "<p>%s</p>" % _text(result.detail)
    if result.log:
        yield '<ol class="log">%s</ol>' % "".join(map(_logged, result.log))
    yield "</div>"


def _logged(line: str) -> str:
    found = _LOGGED.fullmatch(line)
    if found is None:
        return '<li><span class="plain">%s</span></li>' % _lines(line)
    at, who, way, what = found.groups()
    side = "sent" if way == ">" else "got"
    form = '<li><span class="at">%s</span><span class="%s">%s %s</span><span>%s</span></li>'
    return form % (at, side, _text(who or ""), escape(way), _lines(what))


def _classes(first: str, *, clean: bool, same: bool) -> str:
    return " ".join(word for word in (first, "clean" * clean, "same" * same) if word)


def _agreed(case: Case) -> bool:
    """Whether all columns that ran it made the same of it."""
    return len({result.verdict for result in case.found if result is not None}) < 2


def _same(row: Row) -> bool:
    return all(_agreed(case) for case in (*row.cases, *row.elsewhere))


def _number(number: int, what: str) -> str:
    return "%d %s%s" % (number, what, "" if number == 1 else "s")


def _text(text: str) -> str:
    return escape(_visible(text))


def _reference(place: str) -> str:
    """How a place on the page is referred to; the place itself is `_text`."""
    return quote(_visible(place))


def _visible(text: str) -> str:
    """One line of text, with nothing in it that a browser or a reader could take for more."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _lines(text: str) -> str:
    return "\n".join(_text(line.expandtabs(4)) for line in text.split("\n"))
