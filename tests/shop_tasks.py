"""What the workers of the demo do: what a small shop has to do. Some of it fails, so that there is something to see."""

from __future__ import annotations

import random
import time

from wiretask_worker import Context, task


class SmtpTimeoutError(Exception):
    """The mail server did not answer."""


class CardRefusedError(Exception):
    """The bank said no."""


@task(queue="mail", max_attempts=3, retry=2.0)
def send_mail(to: str) -> str:
    """Fails now and then, and mostly succeeds when it is tried again."""
    time.sleep(random.uniform(0.005, 0.03))
    if random.random() < 0.05:
        raise SmtpTimeoutError(f"mail.example did not answer within 30 ms, and {to} has no mail")
    return f"sent to {to}"


@task(queue="payments", no_retry_on=CardRefusedError, max_attempts=5)
def charge(order: int, cents: int) -> str:
    """Fails for good now and then: somebody has to look at it."""
    time.sleep(random.uniform(0.01, 0.05))
    if order % 97 == 0:
        raise CardRefusedError(f"order {order}: the bank does not pay {cents / 100:.2f}")
    return f"order {order} is paid"


@task(queue="images")
def resize(image: str, width: int) -> str:
    """Takes a moment, so that a worker is seen at work."""
    time.sleep(random.uniform(0.2, 1.2))
    return f"{image} is {width} wide"


@task(queue="reports", time_limit=60)
def report(month: str, context: Context) -> str:
    """Takes seconds, and tells how far it is."""
    for page in range(40):
        context.raise_if_cancelled()
        context.progress(page + 1, 40, text=f"page {page + 1}")
        time.sleep(0.25)
    return f"the report of {month}"


@task
def sweep() -> str:
    """Recurs."""
    return "nothing to sweep"
