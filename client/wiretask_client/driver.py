"""The driver: gives the core a stream and a clock, and its requests an event loop.

It holds no decisions about tasks. A turn writes what the core wants to send (one write for all of it), hands out
answers, and arms one timer; whatever happens asks for a turn.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any, Protocol

from wiretask_client.address import parse_address
from wiretask_client.core import Core, Identity, ReachRequest, Request, SubmitRequest
from wiretask_client.core.requests import Answer
from wiretask_client.errors import ClientClosed, ClientError
from wiretask_client.link import Link, connect, reason
from wiretask_protocol import trust
from wiretask_protocol.authentication import Credentials
from wiretask_protocol.messages import Progress

#: The core's clock. Not the loop's: uvloop counts in milliseconds, which is longer than a ping takes.
_now = time.monotonic

#: One write: large enough that system calls do not count, small enough that the peer has something to do early.
_WRITE_OCTETS = 256 * 1024
#: An address that swallows packets is given up early, and tried again.
_CONNECT_SECONDS = 5.0
#: How long a goodbye may take to leave.
_GOODBYE_SECONDS = 1.0


class Owner(Protocol):
    """Whoever waits for a request."""

    def on_settled(self, request: Request) -> None:
        """It has its answer."""

    def on_accepted(self, request: SubmitRequest) -> None:
        """The scheduler has it for good; called for watched submissions only."""

    def on_progress(self, progress: Progress) -> None:
        """It is on its way."""


class Driver:
    """Drives a core on the running event loop. After `close` it can not be used again."""

    def __init__(
        self,
        address: str,
        timeout_seconds: float | None,
        name: str | None,
        agent: str,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port = parse_address(address)
        self._tls = tls
        self._random = random.SystemRandom()
        identity = Identity(name or f"{socket.gethostname()}:{os.getpid()}", agent, credentials)
        self.core = Core(address, timeout_seconds, self._random.getrandbits, identity)
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._link: Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._turn_asked = False
        self._gone = asyncio.Event()

    def add(self, request: Request) -> None:
        """Sees to a request; its owner hears of the answer."""
        if self.closed:
            raise ClientClosed("the client is closed; make a new one")
        self.core.add(request, _now())
        self.ask_turn()

    def add_many(self, requests: Sequence[SubmitRequest]) -> None:
        """Sees to new submissions; their owners hear of the answers."""
        if self.closed:
            raise ClientClosed("the client is closed; make a new one")
        self.core.add_many(requests, _now())
        self.ask_turn()

    async def ask(self, request: Request) -> Answer:
        """The answer of a request. Raises ClientError where that is the answer."""
        waiter = Waiter(self._loop)
        request.owner = waiter
        self.add(request)
        try:
            answer: Answer = await waiter.future
        except asyncio.CancelledError:
            if isinstance(request, SubmitRequest):
                self.core.abandon(request)
            raise
        if isinstance(answer, ClientError):
            raise answer
        return answer

    async def reach(self) -> None:
        """Returns when the scheduler serves us. Raises Unreachable or Refused."""
        await self.ask(ReachRequest())

    async def close(self) -> None:
        """Says goodbye; what still waits is answered with ClientClosed."""
        if self.closed:
            return
        self.closed = True
        self.core.fail_all(ClientClosed("the client was closed before the answer came"))
        self.core.leave()
        self._turn()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
        if self._link is not None:
            self._link.close()
            try:
                await asyncio.wait_for(self._gone.wait(), _GOODBYE_SECONDS)
            except TimeoutError:
                self._link.abort()

    def ask_turn(self) -> None:
        """Asks for a turn when the others on this loop have had theirs: what they add goes out with it."""
        if not self._turn_asked:
            self._turn_asked = True
            self._loop.call_soon(self._turn)

    # What the link says

    def on_connected(self, link: Link) -> None:
        """There is a stream."""
        self._link = link
        self._gone.clear()
        self.core.connected(_now(), link.certificate)
        self._turn()

    def on_data(self, octets: bytes) -> None:
        """Something has come."""
        self.core.receive(octets, _now())
        self._hand_out()
        self.ask_turn()

    def on_lost(self, error: Exception | None) -> None:
        """The stream has ended."""
        self._link = None
        self._gone.set()
        # A certificate of ours that is not taken is heard of when the handshake is over for us.
        distrust = None if self.core.reached else trust.distrust(error)
        self.core.disconnected(_now(), "the scheduler closed the connection" if error is None else reason(error))
        if distrust is not None:
            self.core.distrust(distrust)
        self._turn()

    # A turn

    def _turn(self) -> None:
        self._turn_asked = False
        link = self._link
        if link is not None and not link.paused:
            octets = self.core.data_to_send(_now(), _WRITE_OCTETS)
            if octets:
                link.write(octets)
            if self.core.closing:
                link.close()
            elif len(octets) >= _WRITE_OCTETS:
                self.ask_turn()
        self._hand_out()
        self._arm()

    def _hand_out(self) -> None:
        core = self.core
        for submission in core.take_accepted():
            if submission.owner is not None:
                submission.owner.on_accepted(submission)
        for submission, progress in core.take_progress():
            if submission.owner is not None:
                submission.owner.on_progress(progress)
        for request in core.take_settled():
            owner, request.owner = request.owner, None
            if owner is not None:
                owner.on_settled(request)

    def _arm(self) -> None:
        if self.closed:
            return
        if self.core.connect_at is not None and self._connecting is None and self._link is None:
            self._connecting = self._loop.create_task(self._connect(self.core.connect_at))
        deadline = self.core.deadline()
        if deadline is None or (self._timer is not None and self._timer_at <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_later(deadline - _now(), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.core.tick(_now())
        self._turn()

    async def _connect(self, at: float) -> None:
        try:
            await asyncio.sleep(at - _now())
            await asyncio.wait_for(connect(self, self._host, self._port, self._tls), _CONNECT_SECONDS)
        except (OSError, TimeoutError) as error:
            self.core.unreachable(_now(), reason(error))
            distrust = trust.distrust(error)
            if distrust is not None:
                self.core.distrust(distrust)
        finally:
            self._connecting = None
            self.ask_turn()


class Waiter:
    """An owner that is a future of the answer."""

    __slots__ = ("future",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[Any] = loop.create_future()

    def on_settled(self, request: Request) -> None:
        """The answer is here."""
        if not self.future.done():
            self.future.set_result(request.answer)

    def on_accepted(self, request: SubmitRequest) -> None:
        """Nobody asked."""

    def on_progress(self, progress: Progress) -> None:
        """Nobody asked."""
