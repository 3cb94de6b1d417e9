"""Units: from what people write to what goes over the wire. Raises BadCall with what may be written."""

from __future__ import annotations

import datetime as dt
import math

from wiretask_client.errors import BadCall

Seconds = float | dt.timedelta

_U32 = 2**32 - 1


def count(name: str, number: object, least: int, most: int) -> int:
    """A whole number within bounds. Raises BadCall."""
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise BadCall(f"{name} is {number!r}; it must be a whole number between {least} and {most}")
    return number


def millis(name: str, duration: Seconds | None, most: int = _U32) -> int | None:
    """A duration in whole milliseconds, rounded up so that it never becomes none. Raises BadCall."""
    if duration is None:
        return None
    try:
        seconds = duration.total_seconds() if isinstance(duration, dt.timedelta) else float(duration)
        count = math.ceil(round(seconds * 1000, 3))
    except (TypeError, ValueError, OverflowError):
        raise BadCall(f"{name} is {duration!r}; give it in seconds or as a timedelta") from None
    if not 0 <= count <= most:
        raise BadCall(f"{name} is {seconds:g} s; it must be between 0 and {most // 1000} s")
    return count


def per_mille(name: str, fraction: float, least: float, most: float) -> int:
    """A fraction in thousandths. Raises BadCall."""
    try:
        count = round(float(fraction) * 1000)
    except (TypeError, ValueError, OverflowError):
        raise BadCall(f"{name} is {fraction!r}; it must be a number") from None
    if not least * 1000 <= count <= most * 1000:
        raise BadCall(f"{name} is {fraction:g}; it must be between {least:g} and {most:g}")
    return count
