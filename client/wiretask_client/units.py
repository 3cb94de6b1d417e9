"""Units: from what people write to what goes over the wire. Raises BadCall with what may be written."""

from __future__ import annotations

import datetime as dt
import math
import re

from wiretask_client.errors import BadCall

Seconds = float | dt.timedelta

_U32 = 2**32 - 1

#: The Name of the spec (types.yaml).
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*")
_NAME_OCTETS = 128
#: What of a wrong value stands in an error: enough to find it.
_SHOWN = 60


def shown(value: object) -> str:
    """A value in an error: one line of bounded length."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def word(name: str, said: object) -> str:
    """A Name of the protocol. Raises BadCall."""
    if not isinstance(said, str) or not _NAME.fullmatch(said) or len(said) > _NAME_OCTETS:
        raise BadCall(
            f"{name} is {shown(said)}; it must be 1 to {_NAME_OCTETS} of A-Z a-z 0-9 _ . : / @ + -, "
            f"the first one a letter, a digit or _; give another, or a hash of it"
        )
    return said


def count(name: str, number: object, least: int, most: int) -> int:
    """A whole number within bounds. Raises BadCall."""
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise BadCall(f"{name} is {shown(number)}; it must be a whole number between {least} and {most}")
    return number


def millis(name: str, duration: Seconds | None, most: int = _U32) -> int | None:
    """A duration in whole milliseconds, rounded up so that it never becomes none. Raises BadCall."""
    if duration is None:
        return None
    try:
        seconds = duration.total_seconds() if isinstance(duration, dt.timedelta) else float(duration)
        count = math.ceil(round(seconds * 1000, 3))
    except (TypeError, ValueError, OverflowError):
        raise BadCall(f"{name} is {shown(duration)}; give it in seconds or as a timedelta") from None
    if not 0 <= count <= most:
        raise BadCall(f"{name} is {seconds:g} s; it must be between 0 and {most // 1000} s")
    return count


def more_than_none(name: str, duration: Seconds | None, remedy: str) -> int | None:
    """The same, where 0 would mean something else or nothing. Raises BadCall."""
    found = millis(name, duration)
    if found == 0:
        raise BadCall(f"{name} is 0 s; {remedy}")
    return found


def per_mille(name: str, fraction: float, least: float, most: float) -> int:
    """A fraction in thousandths. Raises BadCall."""
    try:
        count = round(float(fraction) * 1000)
    except (TypeError, ValueError, OverflowError):
        raise BadCall(f"{name} is {shown(fraction)}; it must be a number") from None
    if not least * 1000 <= count <= most * 1000:
        raise BadCall(f"{name} is {fraction:g}; it must be between {least:g} and {most:g}")
    return count
