"""Our client under test: each `open` is a client of its own, inside this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from control import OK, Adapter, Answer, Request, trusting

from wiretask_client import Client, ClientError, OutcomeUnknown, Refused, TaskEnded, TaskHandle
from wiretask_protocol.authentication import credentials
from wiretask_protocol.errors import ErrorCode
from wiretask_protocol.messages import Outcome


def _millis(text: str) -> float:
    return int(text) / 1000


#: Options of the contract, and what they are in ours.
_OPTIONS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("priority", "max_attempts", "cost"), int),
    **dict.fromkeys(("delay", "time_limit", "expires_in"), _millis),
    "unique": lambda said: (said["key"], said["scope"], said["until"]),
}


class ClientAdapter(Adapter):
    """Has at most one client at a time."""

    name = "wiretask-client"

    def __init__(self) -> None:
        self._client: Client | None = None
        self._handles: dict[str, TaskHandle] = {}
        self._asked: dict[str, asyncio.Task[Any]] = {}

    async def on_open(self, request: Request) -> Answer:
        """A client that looks for its scheduler."""
        await self.on_end(request)
        given = request.get("credentials")
        self._client = Client(
            request["connect"],
            timeout=30,
            credentials=credentials(given) if given is not None else None,
            tls=trusting(request),
        )
        self._ask("connect", self._client.connect())
        await asyncio.sleep(0)
        return OK

    async def on_submit(self, request: Request) -> Answer:
        """A task, known by its key from now on."""
        assert self._client is not None
        given = request.get("options", {})
        unknown = set(given) - set(_OPTIONS)
        assert not unknown, unknown
        options = {name: _OPTIONS[name](value) for name, value in given.items()}
        body = bytes.fromhex(request["body"].removeprefix("hex:"))
        self._handles[request["key"]] = self._client.submit(request["type"], body, queue=request["queue"], **options)
        return OK

    async def on_accepted(self, request: Request) -> Answer:
        """Waits until it is durable."""
        handle = self._handles[request["key"]]
        try:
            await handle.accepted()
        except ClientError as error:
            return {"ok": _refused(error)}
        return {"ok": {"task_id": f"hex:{handle.id.replace('-', '')}"}}

    async def on_outcome(self, request: Request) -> Answer:
        """Waits until it has ended."""
        try:
            report = await self._handles[request["key"]].report()
        except TaskEnded as ended:
            said = {"outcome": _word(ended.outcome), "error_type": ended.error_type, "message": ended.message}
            return {"ok": {name: text for name, text in said.items() if text is not None}}
        except ClientError as error:
            return {"ok": _refused(error)}
        return {"ok": {"outcome": "succeeded", "body": f"hex:{report.body.hex()}"}}

    async def on_cancel(self, request: Request) -> Answer:
        """Asks for it to be stopped."""
        cancelling = self._handles[request["key"]].cancel(hard=request["mode"] == "hard")
        self._ask(f"cancel {request['key']}", cancelling)
        await asyncio.sleep(0)
        return OK

    async def on_status(self, request: Request) -> Answer:
        """Asks for its status."""
        self._ask(f"status {request['key']}", self._handles[request["key"]].status())
        await asyncio.sleep(0)
        return OK

    async def on_status_of(self, request: Request) -> Answer:
        """Waits for the status that was asked for."""
        try:
            status = await self._asked[f"status {request['key']}"]
        except ClientError as error:
            return {"ok": _refused(error)}
        return {"ok": {"state": status.state, "reason": status.reason}}

    async def on_close(self, _request: Request) -> Answer:
        """Leaves in peace."""
        assert self._client is not None
        await self._client.close()
        return OK

    async def on_end(self, _request: Request) -> Answer:
        """Leaves nothing behind."""
        if self._client is not None:
            await self._client.close()
        for asked in self._asked.values():
            asked.cancel()
            with contextlib.suppress(ClientError, asyncio.CancelledError):
                await asked
        self._client = None
        self._handles, self._asked = {}, {}
        return OK

    def _ask(self, key: str, asking: Awaitable[Any]) -> None:
        self._asked[key] = asyncio.ensure_future(asking)


def _refused(error: ClientError) -> dict[str, Any]:
    if isinstance(error, OutcomeUnknown):
        return {"unknown": True}
    if isinstance(error, Refused):
        return {"refused": error.code.name if isinstance(error.code, ErrorCode) else str(error.code)}
    return {"refused": type(error).__name__}


def _word(outcome: int) -> str:
    try:
        return Outcome(outcome).name.lower()
    except ValueError:
        return str(outcome)


if __name__ == "__main__":
    asyncio.run(ClientAdapter().run())
