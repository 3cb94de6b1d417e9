"""The types that every worker under test knows (conformance/README.md): coroutines, so that they can be cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

from wiretask_protocol.messages import Outcome
from wiretask_worker import Context, MemberFailed, NoRetry, Retry, task


class ConformanceError(Exception):
    """What `conformance.fail` fails with."""


@task(name="conformance.echo", raw=True)
async def echo(body: bytes) -> bytes:
    """Returns its body."""
    return body


@task(name="conformance.fail", raw=True)
async def fail(body: bytes) -> bytes:
    """Fails with its body for a message."""
    raise ConformanceError(body.decode())


@task(name="conformance.no_retry", raw=True)
async def no_retry(body: bytes) -> bytes:
    """Fails, and says that another attempt is of no use."""
    raise NoRetry(body.decode())


@task(name="conformance.retry_after", raw=True)
async def retry_after(body: bytes) -> bytes:
    """Fails, and asks for this wait (in ms) before the next attempt."""
    raise Retry(after=int(body) / 1000)


@task(name="conformance.sleep", raw=True)
async def sleep(body: bytes) -> bytes:
    """Takes this long (in ms)."""
    await asyncio.sleep(int(body) / 1000)
    return b"slept"


@task(name="conformance.large", raw=True)
async def large(body: bytes) -> bytes:
    """Returns this many zeros."""
    return bytes(int(body))


@task(name="conformance.progress", raw=True)
async def progress(body: bytes, context: Context) -> bytes:
    """Says that half of it is done, then ends."""
    context.progress(1, 2, body=b"half")
    return b"done"


@task(name="conformance.gathered")
async def gathered(results: Any) -> bytes:
    """Returns the results of its group, with commas between them."""
    members = results if isinstance(results, list) else [results]
    return b",".join(_said(member) for member in members)


def _said(member: bytes | MemberFailed) -> bytes:
    return member if isinstance(member, bytes) else b"!%d" % Outcome[member.outcome.upper()]


@task(name="conformance.wait", raw=True)
async def wait(body: bytes) -> bytes:
    """Ends only when it is cancelled."""
    await asyncio.Event().wait()
    return body
