"""How a scenario ends before its last step: each way is an exception, and each exception a verdict."""

from __future__ import annotations


class Ended(Exception):
    """The scenario is over; the text says why."""

    verdict = "fail"


class Failed(Ended):
    """The implementation did something else than the scenario wants."""


class WrongError(Ended):
    """It refused as it must, but with another error."""

    verdict = "wrong_error"


class TimedOut(Ended):
    """It did not do what was expected in time."""

    verdict = "timeout"


class NotApplicable(Ended):
    """It has said that it does not have what the scenario is about."""

    verdict = "not_applicable"


class HarnessError(Ended):
    """The harness could not do its part: no port, no descriptor, a scenario that cannot be read."""

    verdict = "harness_error"
