"""`python -m wiretask_conformance codec [-- COMMAND …]`: without a command, our own codec, both of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from wiretask_conformance.runner import CONTRACT, SHOWN, Report, run
from wiretask_conformance.testee import ContractError

USAGE = """usage: wiretask-conformance codec [-- COMMAND [ARG ...]]

Holds the golden frames against a program that answers JSON lines (conformance/README.md says how).
Without a command it is our own codec. Exit codes: 0 conformant, 1 not, 2 usage, 3 the adapter broke its contract."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs and returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if not words or words[0] != "codec" or (len(words) > 1 and (words[1] != "--" or len(words) < 3)):
        print(USAGE, file=sys.stderr)
        return 2
    command = words[2:]
    if command:
        return judge(command)
    codes: list[int] = []
    for mode in ("fast", "reference"):
        os.environ["WIRETASK_CODEC"] = mode
        codes.append(judge([sys.executable, "-m", "wiretask_conformance.adapter"], mode))
    return max(codes)


def judge(command: Sequence[str], label: str = "") -> int:
    """Runs one testee and says how it went."""
    try:
        report = run(command)
    except ContractError as error:
        print("wiretask-conformance: the adapter is wrong, its codec was not tested: %s" % error, file=sys.stderr)
        return CONTRACT
    say(report, label)
    return report.exit_code


def say(report: Report, label: str) -> None:
    """A line for each kind, the failures, and the line that counts."""
    name = report.implementation + (" (%s)" % label if label else "")
    kinds = ", ".join("%s %d" % (kind, sum(counts)) for kind, counts in report.counts.items())
    print("%s: %s" % (name, kinds))
    for failure in (report.failures + report.contract)[:SHOWN]:
        print("  FAIL " + failure)
    passed = sum(counts[0] for counts in report.counts.values())
    failed = sum(counts[1] for counts in report.counts.values()) + len(report.contract)
    print("%d passed, %d failed" % (passed, failed))


if __name__ == "__main__":
    sys.exit(main())
