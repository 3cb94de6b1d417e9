"""All connections: where they are listened for, their numbers, their clocks, and how many an address may have."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol

from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Error, Hello, Role, ToScheduler
from wiretask_scheduler.core.sessions import Leaving
from wiretask_scheduler.doorkeeper import Doorkeeper
from wiretask_scheduler.doorway import Doorway
from wiretask_scheduler.link import Link
from wiretask_scheduler.session import Session, SessionSettings
from wiretask_scheduler.tls import Tls

log = logging.getLogger(__name__)

#: How often the clocks of the connections are looked at.
TICK_SECONDS = 0.25
#: A loop that is this late has stood still: what the peers sent meanwhile is read before any clock is believed.
STALL_SECONDS = 0.5
#: A stop waits for at most this long for peers to read what was written.
_STOP_ROUNDS, _STOP_ROUND_SECONDS = 100, 0.02
_BACKLOG = 1024


class Scheduler(Protocol):
    """What the connections are for."""

    def join(self, session: Session, hello: Hello) -> None:
        """Takes a peer whose open has been found good."""

    def receive(self, number: int, messages: Sequence[ToScheduler]) -> None:
        """Takes messages of an accepted peer."""

    def leave(self, number: int, leaving: Leaving) -> None:
        """An accepted peer is gone."""

    def resume(self, number: int) -> None:
        """A peer that was full takes more."""


class Server:
    """The listening socket and the links."""

    def __init__(self, scheduler: Scheduler, settings: SessionSettings, doorkeeper: Doorkeeper | None = None) -> None:
        self.scheduler = scheduler
        self.settings = settings
        self.doorkeeper = doorkeeper or Doorkeeper()
        self.links: dict[int, Link] = {}
        #: Connections whose TLS handshake is not over, and how long that may take.
        self.doorways: set[Doorway] = set()
        self.patience_seconds = settings.handshake_seconds
        self._last_number = 0
        #: Octets since the start, for the metrics.
        self.received = self.sent = 0
        self._listener: asyncio.Server | None = None
        #: When it ticked last, and how much of the processor this process had had by then.
        self._ticked = self._ran = 0.0
        self._paused: set[Role] = set()

    async def listen(self, host: str, port: int, tls: Tls | None = None) -> tuple[str, int]:
        """Begins to serve. Returns the address. Raises OSError if that cannot be had."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Link(self) if tls is None else Doorway(self, tls), host, port, backlog=_BACKLOG
        )
        self._ticked, self._ran = time.monotonic(), time.process_time()
        loop.call_later(TICK_SECONDS, self._tick)
        address = self._listener.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    # -- what doorways say --

    def enter(self, address: str, now: float) -> Error | None:
        """Counts somebody who has connected. Returns why he may not."""
        return self.doorkeeper.enter(address, now)

    def left(self, address: str) -> None:
        """Somebody is gone whose TLS never was."""
        self.doorkeeper.left(address, accepted=False)

    def inside(self, began: float, certificate: bytes) -> Link:
        """What takes over when there is TLS."""
        return Link(self, began=began, certificate=certificate)

    # -- what links say --

    def opened(self, link: Link) -> Session:
        """A peer has connected."""
        self._last_number += 1
        now = time.monotonic()
        session = Session(self._last_number, self.settings, link.began or now, link.certificate)
        self.links[session.number] = link
        if link.began is None and (error := self.doorkeeper.enter(link.address, now)) is not None:
            session.close(error)
        return session

    def joined(self, link: Link) -> None:
        """A peer has been found good. While the store lags, those that are new wait like the others."""
        self.doorkeeper.accepted(link.address)
        if _role(link) in self._paused:
            link.pause("lag", paused=True)

    def closed(self, link: Link) -> None:
        """A connection has ended."""
        session = link.session
        self.links.pop(session.number, None)
        self.doorkeeper.left(link.address, accepted=session.accepted)
        if session.accepted:
            self.scheduler.leave(session.number, session.leaving)

    # -- what the scheduler says --

    def write(self, number: int, octets: bytes) -> bool:
        """Sends frames to a peer, if it is still there. False if it should get nothing more until `resume`."""
        link = self.links.get(number)
        if link is None or link.session.closing:
            return True
        return link.write(octets + link.session.greeted())

    def limit(self, number: int) -> int:
        """How long the frames are that a peer takes."""
        link = self.links.get(number)
        return link.session.connection.limit if link is not None else self.settings.frame_limit

    def close(self, number: int, error: Error | None) -> None:
        """Ends the connection of a peer."""
        link = self.links.get(number)
        if link is not None and not link.session.closing:
            link.session.close(error)
            link.after()

    def recheck(self) -> None:
        """There are other tokens: whoever came with one that was withdrawn or changed is let go."""
        keyring = self.doorkeeper.keyring
        for number, link in list(self.links.items()):
            token = link.session.token
            now = keyring.get(token.key_id) if token is not None and keyring is not None else token
            if now == token:
                continue
            if now is None or token is None or now.secret != token.secret:
                self.close(
                    number, error_message(ErrorCode.AUTH_FAILED, text="the token was withdrawn; use another one")
                )
            else:
                text = "what the token allows has changed; connect again"
                self.close(number, error_message(ErrorCode.SHUTTING_DOWN, text=text))

    def pause_all(self, role: Role, *, paused: bool) -> None:
        """Stops or resumes reading from all clients, or from all workers."""
        if paused:
            self._paused.add(role)
        else:
            self._paused.discard(role)
        for link in self.links.values():
            if _role(link) == role:
                link.pause("lag", paused=paused)

    def pause(self, number: int, *, paused: bool) -> None:
        """Stops or resumes reading from a client that waits for what the store says."""
        link = self.links.get(number)
        if link is not None:
            link.pause("answers", paused=paused)

    # -- time --

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = time.monotonic()
        late = now - self._ticked - TICK_SECONDS
        self._ticked = now
        ran = time.process_time() - self._ran
        self._ran += ran
        if late > STALL_SECONDS:
            # Where it has not run, the machine is busy, or was asleep.
            log.warning("the event loop stood still for %.1f s; this process ran for %.1f s of it", late, ran)
        else:
            connections: list[Link | Doorway] = [*self.links.values(), *self.doorways]
            for connection in connections:
                connection.tick(now)
        loop.call_later(TICK_SECONDS, self._tick)

    async def stop(self) -> None:
        """Stops listening and closes every connection when what was written has left."""
        if self._listener is not None:
            self._listener.close()
        for doorway in list(self.doorways):
            doorway.abort()
        for link in list(self.links.values()):
            link.finish()
        for _ in range(_STOP_ROUNDS):
            if not self.links:
                return
            await asyncio.sleep(_STOP_ROUND_SECONDS)
        for link in list(self.links.values()):
            link.abort()


def _role(link: Link) -> int | None:
    hello = link.session.hello
    return hello.role if hello is not None else None
