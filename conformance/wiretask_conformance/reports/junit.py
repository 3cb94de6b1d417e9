"""A run as JUnit XML, for build servers: a suite a kind of case, a testcase a case.

It agrees with the exit code: what leaves an implementation conformant (a SHOULD that is not kept, a known failure, a
flaky case) is skipped with its reason, not failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from wiretask_conformance.results import Result, Run, Verdict, printable

#: What XML 1.0 has no way to write, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: The implementation was not judged.
_ERRORS = frozenset({Verdict.CONTRACT, Verdict.HARNESS_ERROR})


def junit(run: Run) -> str:
    """The text of a JUnit file."""
    root = ET.Element("testsuites", name="wiretask-conformance", time=_seconds(run.seconds))
    for kind in run.counts_by_kind:
        root.append(_suite(run, kind, [case for case in run.cases if case.kind == kind]))
    if run.problems:
        root.append(_known(run))
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n%s\n' % ET.tostring(root, encoding="unicode")


def _suite(run: Run, kind: str, cases: Iterable[Result]) -> ET.Element:
    suite = _empty("%s %s" % (run.kind, kind), run)
    spent = 0.0
    for case in cases:
        suite.append(_testcase(run, case))
        spent += case.seconds
    return _counted(suite, spent)


def _known(run: Run) -> ET.Element:
    """What is wrong with the list of known failures: no case can carry it."""
    suite = _empty("%s known failures" % run.kind, run)
    for problem in run.problems:
        where, _, what = printable(problem).partition(": ")
        testcase = ET.SubElement(suite, "testcase", classname="%s.known_failures" % run.kind, name=where, time="0")
        ET.SubElement(testcase, "failure", type="known_failures", message=what)
    return _counted(suite, 0.0)


def _empty(name: str, run: Run) -> ET.Element:
    suite = ET.Element("testsuite", name=printable(name), timestamp=run.started.rstrip("Z"))
    properties = ET.SubElement(suite, "properties")
    about = {
        "implementation": run.implementation.name,
        "implementation.version": run.implementation.version,
        "implementation.language": run.implementation.language,
        "command": " ".join(run.command),
        "suite": run.suite,
        "spec": run.spec,
        "scale": "%g" % run.scale,
    }
    for key, value in about.items():
        ET.SubElement(properties, "property", name=key, value=printable(value))
    return suite


def _counted(suite: ET.Element, seconds: float) -> ET.Element:
    suite.set("time", _seconds(seconds))
    suite.set("tests", str(len(suite.findall("testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall("testcase/" + tag))))
    return suite


def _testcase(run: Run, case: Result) -> ET.Element:
    # Build servers group by what stands before the last dot of the class.
    group = case.name.partition("/")[0].replace(".", "_")
    classname = printable("%s.%s.%s" % (run.kind, case.kind, group))
    testcase = ET.Element("testcase", classname=classname, name=printable(case.name), time=_seconds(case.seconds))
    properties = ET.SubElement(testcase, "properties")
    about = {"id": case.id, "level": case.level, "requires": " ".join(case.requires)}
    for key, value in about.items():
        ET.SubElement(properties, "property", name=key, value=printable(value))
    if case.verdict != Verdict.PASS:
        _outcome(testcase, case)
    return testcase


def _outcome(testcase: ET.Element, case: Result) -> None:
    detail = printable(case.detail)
    log = _writable("\n".join(case.log))
    excused = case.level == "SHOULD" and case.verdict in Verdict.FAILING
    if excused or not case.failed:
        why = "%s: %s" % ("a SHOULD that is not kept" if excused else case.verdict, detail)
        ET.SubElement(testcase, "skipped", message=why)
        if log:
            ET.SubElement(testcase, "system-out").text = log
        return
    tag = "error" if case.verdict in _ERRORS else "failure"
    outcome = ET.SubElement(testcase, tag, type=case.verdict, message=detail)
    outcome.text = "\n".join(part for part in (detail, log) if part)


def _writable(text: str) -> str:
    return _NO_XML.sub(lambda found: ascii(found[0])[1:-1], text)


def _seconds(seconds: float) -> str:
    return "%.6f" % seconds
