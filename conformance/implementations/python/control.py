"""The control channel of our adapters: a JSON line in, a JSON line out, in order (conformance/README.md).

What an adapter does for each request is a method of its own, `on_<op>`; this is all that they share.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import tempfile
from importlib import metadata
from typing import Any

from wiretask_protocol import trust

Request = dict[str, Any]
Answer = dict[str, Any]


class CannotDoError(Exception):
    """The part under test has nothing for what is asked; the text says what."""


class Adapter:
    """Answers requests until it is told to stop."""

    name = ""
    #: Features that our part does not have.
    lacks: tuple[str, ...] = ()

    async def run(self) -> None:
        """Until `stop`, or the end of the input."""
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            request = json.loads(line)
            print(json.dumps({"seq": request["seq"], **await self._answer(request)}), flush=True)
            if request["op"] == "stop":
                return

    async def _answer(self, request: Request) -> Answer:
        method = getattr(self, f"on_{request['op']}", None)
        if method is None:
            return {"skipped": f"no operation {request['op']}"}
        try:
            answer: Answer = await method(request)
        except CannotDoError as error:
            return {"skipped": str(error)}
        except Exception as error:
            return {"crashed": f"{type(error).__name__}: {error}"}
        return answer

    async def on_start(self, _request: Request) -> Answer:
        """Who we are."""
        implementation = {"name": self.name, "version": metadata.version("wiretask"), "language": "python"}
        return {"implementation": implementation, "lacks": list(self.lacks)}

    async def on_stop(self, request: Request) -> Answer:
        """The end."""
        await self.on_end(request)
        return {}

    async def on_end(self, _request: Request) -> Answer:
        """Leaves nothing of the part behind."""
        raise NotImplementedError


OK: Answer = {"ok": {}}


def trusting(request: Request) -> ssl.SSLContext | None:
    """TLS that trusts the authority that a request names; None where it names none."""
    if "ca" not in request:
        return None
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(request["ca"])
        file.flush()
        return trust.tls_context(file.name)
