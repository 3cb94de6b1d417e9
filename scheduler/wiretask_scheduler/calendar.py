"""What cron expressions mean, by cronsim: five fields as in Debian's cron, time zones by their IANA names.

When clocks go forward, a run that falls into the gap comes right after it; when they go back, one that names an hour
runs once. Runs of every minute or hour follow real time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from wiretask_scheduler.core.recurring import Calendar

#: Far enough for every calendar, and well within what datetime can say.
_LATEST_MILLIS = 253_000_000_000_000


def after(cron: str, zone: str, millis: int) -> int | None:
    """The first moment after one. Raises ValueError with the remedy."""
    found = next(_moments(cron, _zone(zone), millis, reverse=False), None)
    return None if found is None else _millis(found)


def before(cron: str, zone: str, millis: int) -> Iterator[int]:
    """The moments before one, the latest first. Raises ValueError with the remedy."""
    # A minute that has begun is over by less than one: cronsim counts in whole minutes.
    start = millis + 60_000 - 1 - (millis - 1) % 60_000
    return (moment for found in _moments(cron, _zone(zone), start, reverse=True) if (moment := _millis(found)) < millis)


def _moments(cron: str, zone: tzinfo, millis: int, *, reverse: bool) -> Iterator[datetime]:
    if not 0 <= millis <= _LATEST_MILLIS:
        raise ValueError(f"the moment {millis} is outside the calendar; check the clock of the scheduler")
    start = datetime.fromtimestamp(millis // 1000, UTC) + timedelta(milliseconds=millis % 1000)
    try:
        return CronSim(cron, start.astimezone(zone), reverse=reverse)
    except CronSimError as error:
        remedy = "write five fields: minute, hour, day, month, weekday"
        raise ValueError(f"{cron!r} is no cron expression ({error}); {remedy}") from None


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write an IANA name such as Europe/Zurich") from None


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


CALENDAR = Calendar(after, before)
