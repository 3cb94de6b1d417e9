"""Short scripts that together use everything that a task can ask for; `crash_points` kills somebody at every boundary."""

from __future__ import annotations

import asyncio

from scene import Actor, Play  # type: ignore[import-not-found]

from wiretask_client import Client, RetryPolicy
from wiretask_scheduler.core.queues import Mode

_SOON = RetryPolicy(base=0.05, factor=1, jitter=0)


async def _one(actor: Actor, client: Client) -> None:
    actor.submit(client, "a")
    await actor.ended("a")


async def _attempts(actor: Actor, client: Client) -> None:
    actor.submit(client, "twice", max_attempts=3, retry=_SOON)
    actor.submit(client, "never", max_attempts=2, retry=_SOON)
    actor.submit(client, "hopeless", max_attempts=5)
    await actor.ended("twice", "never", "hopeless")
    await actor.revive("never")


async def _times(actor: Actor, client: Client) -> None:
    actor.submit(client, "later", delay=0.3)
    actor.submit(client, "too late", delay=60.0, expires_in=0.2)
    actor.submit(client, "too long", time_limit=0.2)
    await actor.ended("later", "too late", "too long")


async def _ties(actor: Actor, client: Client) -> None:
    actor.submit(client, "root")
    actor.submit(client, "bad")
    actor.submit(client, "leaf", after=["root"])
    actor.submit(client, "never", after=["bad"])
    actor.submit(client, "anyway", after=["bad", "leaf"], on_dependency_failure="run")
    await actor.ended("leaf", "never", "anyway")


async def _groups(actor: Actor, client: Client) -> None:
    actor.group(client, ["x", "y"], "both", "cancel")
    actor.group(client, ["good", "bad"], "whatever", "run", max_attempts=2, retry=_SOON)
    await actor.ended("both", "whatever")


async def _keys(actor: Actor, client: Client) -> None:
    for name in ("k1", "k2"):
        actor.submit(client, name, concurrency=("one", 1), fairness=name)
    for name in ("r1", "r2"):
        actor.submit(client, name, rate=("slow", 1, 0.2, 1))
    await actor.ended("k1", "k2", "r1", "r2")
    actor.submit(client, "u1", unique=("u", "queue", "ended"))
    actor.submit(client, "u2", unique=("u", "queue", "ended"))
    await actor.ended("u1", "u2")
    actor.submit(client, "u3", unique=("u", "queue", "ended"))
    await actor.ended("u3")


async def _cancels(actor: Actor, client: Client) -> None:
    actor.submit(client, "runs")
    actor.submit(client, "waits", after=["runs"], on_dependency_failure="run")
    actor.submit(client, "delayed", delay=60.0)
    await actor.begun("runs")
    await actor.cancel(client, "delayed")
    await actor.cancel(client, "runs", tree=True)
    await actor.ended("runs", "waits", "delayed")


async def _queues(actor: Actor, client: Client) -> None:
    await actor.set_mode("mail", Mode.PAUSED)
    actor.submit(client, "paused", queue="mail")
    actor.submit(client, "low", priority=1)
    actor.submit(client, "high", priority=9)
    await actor.ended("low", "high")
    await actor.set_mode("mail", Mode.CLOSED)
    await actor.ended("paused")
    await actor.set_mode("mail", Mode.OPEN)


async def _recurs(actor: Actor, client: Client) -> None:
    actor.schedule(client, "beat", every=0.3, overlap="skip", catch_up="one")
    await asyncio.sleep(0.8)


async def _drains(actor: Actor, client: Client) -> None:
    for number in range(3):
        actor.submit(client, f"w{number}")
    await actor.begun("w0")
    actor.drain("worker 0")
    await actor.ended("w0", "w1", "w2")


_FAILS = ("fail", 0.0)

SCENES = {
    "one": Play(_one, {}, 1),
    "attempts": Play(
        _attempts, {"twice": [_FAILS, _FAILS], "never": [_FAILS, ("retry", 0.05)], "hopeless": [("no_retry", 0.0)]}, 1
    ),
    "times": Play(_times, {"too long": [("ok", 3600.0)]}, 1),
    "ties": Play(_ties, {"bad": [_FAILS], "root": [("progress", 0.05)]}, 2),
    "groups": Play(_groups, {"bad": [_FAILS, _FAILS]}, 1),
    "keys": Play(_keys, {"k1": [("ok", 0.1)], "u1": [("ok", 0.1)]}, 2),
    "cancels": Play(_cancels, {"runs": [("ok", 5.0)]}, 1),
    "queues": Play(_queues, {}, 1),
    "recurs": Play(_recurs, {}, 1),
    "drains": Play(_drains, {"w0": [("ok", 0.3)], "w1": [("ok", 0.3)]}, 1),
}
