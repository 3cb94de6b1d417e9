"""The flags of a submission: what people write for each option of `submit`, and what of it is wrong."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import click

from wiretask_client.asking import duration, task_id_text
from wiretask_client.options import Options, RetryPolicy

#: What the ends of a number of bytes mean, as worker's `--resource memory=4GiB` has them.
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "k": 10**3, "M": 10**6, "G": 10**9}


def moment(text: str) -> float | dt.datetime:
    """A date with its time zone, or Unix seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.BadParameter(f"{text!r} is not a date with a time zone; write 2030-01-31T12:00:00Z for example")
    return found


def keyed(text: str) -> tuple[str, str]:
    """KEY=WORDS."""
    key, equals, words = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} has no =; write NAME=VALUE")
    return key, words


def limited(text: str) -> tuple[str, int]:
    """KEY=LIMIT."""
    key, words = keyed(text)
    return key, _whole(text, words)


def paced(text: str) -> tuple[str, int, float]:
    """KEY=LIMIT/PERIOD; a second where no period is said."""
    key, words = keyed(text)
    number, slash, period = words.partition("/")
    return key, _whole(text, number), duration(period) if slash else 1.0


def weighted(text: str) -> tuple[str, int]:
    """KEY, or KEY=WEIGHT."""
    return limited(text) if "=" in text else (text, 1)


def amount(text: str) -> tuple[str, int]:
    """NAME=AMOUNT, with a unit if you like."""
    name, words = keyed(text)
    unit = next((each for each in _UNITS if words.endswith(each)), "")
    return name, _whole(text, words.removesuffix(unit)) * _UNITS.get(unit, 1)


def until(text: str) -> str | float:
    """How long a unique key holds."""
    return text if text in {"begun", "ended"} else duration(text)


def _whole(text: str, digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()):
        raise click.BadParameter(f"{digits!r} in {text!r} is not a whole number")
    return int(digits)


#: What can be asked for any task.
asks = [
    click.option("--queue", help="Where the task waits (default)."),
    click.option("--priority", type=click.IntRange(0, 9), help="0 to 9; 9 goes first (5)."),
    click.option("--max-attempts", type=int, help="How often its code may run and fail (1)."),
    click.option("--retry-delay", type=duration, help="First wait between attempts (1 s)."),
    click.option("--retry-factor", type=float, help="Each wait is so many times the one before (2)."),
    click.option("--retry-cap", type=duration, help="The longest wait (10m); 0 is no cap."),
    click.option("--retry-jitter", type=float, help="Up to this fraction of a wait is taken off by chance (0.1)."),
    click.option("--delay", type=duration, help="Not before this long from now."),
    click.option("--expires-in", type=duration, help="Not begun within this long is not begun at all."),
    click.option("--time-limit", type=duration, help="Longest run of one attempt."),
    click.option("--retention", type=duration, help="How long its result is kept."),
    click.option("--cost", type=int, help="How many slots it takes (1)."),
    click.option("--require", "requires", metavar="LABEL", multiple=True, help="A label that its worker must have."),
    click.option("--resource", "resources", type=amount, metavar="NAME=AMOUNT", multiple=True, help="What it uses up."),
    click.option("--unique", metavar="KEY", help="Keeps a second task out; then its id is that of the first."),
    click.option("--unique-scope", type=click.Choice(["queue", "type", "body"]), help="Where the key holds (queue)."),
    click.option("--unique-until", type=until, metavar="WHEN", help="begun, ended, or for so many seconds (ended)."),
    click.option("--concurrency", type=limited, metavar="KEY=LIMIT", help="So many with the key run at a time."),
    click.option("--rate", type=paced, metavar="KEY=LIMIT/PERIOD", help="So many with the key start in each period."),
    click.option("--burst", type=int, help="So many of them at once (the limit)."),
    click.option("--fairness", type=weighted, metavar="KEY[=WEIGHT]", help="Tasks of different keys go by turns."),
    click.option("--note", help="A line for people who look at it."),
    click.option(
        "--header", "headers", type=keyed, metavar="NAME=VALUE", multiple=True, help="A word for its handler."
    ),
    click.option("--trace-context", help="The W3C traceparent of who submits it."),
    click.option("--trace-state", help="The W3C tracestate of who submits it."),
]

#: What can be asked for a task that runs once.
asks_once = [
    click.option("--not-before", type=moment, metavar="DATE", help="Not before this date."),
    click.option("--expires-at", type=moment, metavar="DATE", help="Not begun by this date is not begun at all."),
    click.option("--after", type=task_id_text, metavar="ID", multiple=True, help="A task that must succeed first."),
    click.option(
        "--on-dependency-failure", type=click.Choice(["cancel", "run"]), help="What to do when it does not (cancel)."
    ),
]


def options_of(asked: dict[str, Any], *, want_result: bool) -> Options:
    """What was asked for a task."""
    said = {name: value for name, value in asked.items() if value is not None and value != ()}
    policy = {name: said.pop(f"retry_{flag}") for flag, name in _POLICY.items() if f"retry_{flag}" in said}
    if policy:
        said["retry"] = RetryPolicy(**policy)
    scope, held, burst = (said.pop(name, None) for name in ("unique_scope", "unique_until", "burst"))
    if scope is not None or held is not None:
        _needs("--unique-scope and --unique-until", said, "unique")
        said["unique"] = (said["unique"], scope or "queue", "ended" if held is None else held)
    if burst is not None:
        _needs("--burst", said, "rate")
        said["rate"] = (*said["rate"], burst)
    for name in ("resources", "headers"):
        if name in said:
            said[name] = dict(said[name])
    return cast("Options", {**said, "want_result": want_result})


_POLICY = {"delay": "base", "factor": "factor", "cap": "cap", "jitter": "jitter"}


def _needs(flags: str, said: dict[str, Any], name: str) -> None:
    if name not in said:
        raise click.UsageError(f"{flags} say more of --{name}; give that too")
