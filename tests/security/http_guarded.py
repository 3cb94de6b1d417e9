"""A scheduler whose HTTP side wants tokens, and who asks there: with one, without, and with a session."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scheduler"))

from http_place import asked, bearer, token  # type: ignore[import-not-found] # it lies there

__all__ = ["ANN", "SIGN_IN", "TOKENS", "asked", "bearer", "refused", "run", "sign_in", "token"]

ANN = token("ann", "admin")
TOKENS = (
    ANN,
    token("ben", "client", "worker"),
    token("some", "admin", queues=("mail.*",)),
    token("prometheus", "metrics"),
)
SIGN_IN = {"key_id": "ann", "token": "a" * 40}


def run(story, tokens=TOKENS, **arguments):
    """Plays a story against a scheduler with tokens."""

    async def play():
        async with asked(tokens=tokens, **arguments) as (place, web):
            await story(place, web)

    asyncio.run(play())


async def refused(web, status, said, method="GET", path="/api/queues", **headers):
    answer = await web.ask(method, path, **headers)
    assert (answer.status, list(answer.json)) == (status, ["error"])
    assert said in answer.json["error"]
    return answer


async def sign_in(web):
    """The headers of a browser that has signed in."""
    answer = await web.ask("POST", "/api/session", SIGN_IN)
    assert answer.status == 200, answer.body
    return {"Cookie": answer.cookie}
