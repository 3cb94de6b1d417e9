"""One end of a connection, played by the suite: it sends what a scenario says, and takes what comes.

Whatever arrives is held against the spec (`watch`): a scenario need not say so. Pings are answered and sent, and
Accepted is sent, unless the scenario does that itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from wiretask_conformance.handshake import Handshake
from wiretask_conformance.verdicts import Failed, HarnessError, TimedOut
from wiretask_conformance.watch import Received, Watch
from wiretask_conformance.wire import HEADER, Wire

_READ_OCTETS = 1 << 16
#: A peer that sends this much that nobody expects is not read any more.
MOST_WAITING = 200_000
#: Tells the pongs to our own signs of life from those that a scenario waits for.
KEEPALIVE_NONCE = 0
_NO_LINGER = struct.pack("ii", 1, 0)


class Actor:
    """One connection. `plays` is what the suite is on it, `against` what the implementation is."""

    def __init__(self, name: str, plays: str, against: str, wire: Wire, log: Callable[[str], None]) -> None:
        self.name = name
        self.plays = plays
        self.against = against
        self.wire = wire
        self.log = log
        self.watch = Watch(name, plays, against, wire)
        #: The handshake, for proofs.
        self.seen = Handshake()
        self.closed = False
        self.raw = False
        self.left = False
        self.keepalive = True
        self.auto_accept = True
        self.heartbeat_seconds = 1.0
        self.octets = b""
        self.next_seq = 1
        #: The last of our sequenced messages that has been accepted.
        self.accepted_to = 0
        self._accepted_seq = 0
        #: The last seq that we have sent; None where octets were sent that we do not look into.
        self.sent_to: int | None = 0
        #: Pings of the peer: answered or not, they are no message that a scenario has to take.
        self.pings = 0
        self._waiting: deque[Received] = deque()
        self._wake = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._wrong: Exception | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._said_at = 0.0

    # The connection

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Takes a connection and reads what comes."""
        self._reader, self._writer = reader, writer
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep_alive())]

    async def end(self) -> None:
        """Closes it, whatever it is doing."""
        for task in self._tasks:
            task.cancel()
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(self._writer.wait_closed(), 1)
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def accepted(self) -> bool:
        """Whether a ping may be sent and is answered."""
        return self.watch.accepted() and not self.closed and not self.left

    # Out

    async def send(self, message: str, value: dict[str, Any], sizes: list[int] | None = None) -> None:
        """A message, whether it is allowed or not; `sizes` of the pieces in which its octets leave."""
        try:
            frame = self.wire.encode(message, value)
        except (KeyError, ValueError, OverflowError, TypeError) as error:
            raise HarnessError("%s cannot be written as octets: %r" % (message, error)) from None
        self.log("%s > %s" % (self.name, described(message, value)))
        self.said(Received(message, value, frame[HEADER:]))
        await self.write(frame, sizes)

    async def send_octets(self, octets: bytes, sizes: list[int] | None = None) -> None:
        """Octets as they are."""
        self.log("%s > %d octets %s" % (self.name, len(octets), octets[:40].hex()))
        self.sent_to = None
        await self.write(octets, sizes)

    async def write(self, octets: bytes, sizes: list[int] | None = None) -> None:
        """A connection that the peer has reset takes everything: what comes of it is seen when reading."""
        assert self._writer is not None
        self._said_at = asyncio.get_running_loop().time()
        with contextlib.suppress(ConnectionError):
            for piece in pieces(octets, sizes):
                self._writer.write(piece)
                await self._writer.drain()

    def said(self, sent: Received) -> None:
        """What follows for us from a message of our own."""
        self.watch.decide(sent.event)
        self.watch.agree(sent)
        self.seen.see(sent.message, sent.value.get("kind"), sent.payload)
        self._hear_heartbeat(sent)
        if self.sent_to is not None and self.wire.spec.messages[sent.message]["sequenced"]:
            self.sent_to = max(self.sent_to, int(sent.value["seq"]))
        self.left = self.left or (sent.message == "Goodbye" and self.plays == "client")

    def _hear_heartbeat(self, message: Received) -> None:
        if message.event == "Hello.accept" and "heartbeat" in message.value:
            self.heartbeat_seconds = int(message.value["heartbeat"]) / 1000

    def half_close(self) -> None:
        """Sends nothing more, and goes on to read."""
        assert self._writer is not None
        self.left = True
        self.log("%s > end of the stream" % self.name)
        self._writer.write_eof()

    def reset(self) -> None:
        """Tears the connection down without a word (RST)."""
        assert self._writer is not None
        self.left = True
        self.log("%s > reset" % self.name)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._writer.transport.abort()

    def pause(self) -> None:
        """Reads nothing more from the socket."""
        self._may_read.clear()

    def resume(self) -> None:
        """Reads again."""
        self._may_read.set()

    # In

    async def next(self, deadline: float, wanted: str) -> Received | None:
        """The next message, or None where the connection has ended. Raises TimedOut, or Failed (see `watch`)."""
        while not self._waiting:
            if self._wrong is not None:
                raise self._wrong
            if self.closed:
                return None
            await self._woken(deadline, "nothing came while %s was expected" % wanted)
        received = self._waiting.popleft()
        if received.message == "Accepted":
            self.accepted_to = received.value["seq"]
        return received

    async def pinged(self, deadline: float) -> None:
        """Returns when the peer has sent a ping since the last call. Raises TimedOut, or Failed if it has ended."""
        while not self.pings:
            self.check()
            if self.closed:
                raise Failed("%s: the connection ended without a ping" % self.name)
            await self._woken(deadline, "no ping came")
        self.pings = 0

    async def filled(self, count: int, deadline: float) -> None:
        """Returns when so many octets have come on a raw connection, or its end. Raises TimedOut."""
        while len(self.octets) < count and not self.closed:
            await self._woken(deadline, "%d octets came, and %d were expected" % (len(self.octets), count))

    async def _woken(self, deadline: float, late: str) -> None:
        """Returns when anything has come. Raises TimedOut."""
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), max(deadline - asyncio.get_running_loop().time(), 0))
        except asyncio.TimeoutError:
            raise TimedOut("%s: %s" % (self.name, late)) from None

    def check(self) -> None:
        """Raises Failed if something that is not legal has come."""
        if self._wrong is not None:
            raise self._wrong

    async def _read(self) -> None:
        assert self._reader is not None
        with contextlib.suppress(OSError):
            while len(self._waiting) < MOST_WAITING and self._wrong is None:
                await self._may_read.wait()
                octets = await self._reader.read(_READ_OCTETS)
                if not octets:
                    break
                await self._take(octets)
        self.log("%s < end of the stream" % self.name)
        if self.watch.inside_frame and self._wrong is None:
            self._wrong = Failed("%s: the stream ended in the middle of a frame" % self.name)
        self.closed = True
        self._wake.set()

    async def _take(self, octets: bytes) -> None:
        if self.raw:
            self.octets += octets
            self._wake.set()
            return
        try:
            for received in self.watch.take(octets):
                self.log("%s < %s" % (self.name, described(received.message, received.value)))
                self.watch.agree(received)
                self.seen.see(received.message, received.value.get("kind"), received.payload)
                self.judge(received)
                await self._answer(received)
        except Failed as wrong:
            self.log("%s < %s" % (self.name, wrong))
            self._wrong = wrong
            self._wake.set()

    def judge(self, received: Received) -> None:
        """Nobody accepts what was never sent (R-ACC-004); an Error has the scope and the advice of its code."""
        if received.message == "Accepted" and self.sent_to is not None and received.value["seq"] > self.sent_to:
            raise Failed("%s: it accepts %d, and %d was sent" % (self.name, received.value["seq"], self.sent_to))
        error = self.wire.spec.errors.get(self.wire.spec.error_names.get(received.value.get("code", 0), ""))
        if received.message == "Error" and error is not None:
            said = {part: received.value[part] for part in ("scope", "retry")}
            if said != {part: error[part] for part in said}:
                raise Failed("%s: the Error %d came with %s" % (self.name, error["code"], said))

    async def _answer(self, received: Received) -> None:
        if received.event == "Hello.ping":
            self.pings += 1
            self._wake.set()
            if self.keepalive:
                await self.send("Hello", {"kind": "pong", "nonce": received.value["nonce"]})
                return
        if received.event == "Hello.pong" and received.value["nonce"] == KEEPALIVE_NONCE:
            return
        self._hear_heartbeat(received)
        self._waiting.append(received)
        self._wake.set()
        if self.watch.last_seq > self._accepted_seq and self.auto_accept and self.accepted():
            self._accepted_seq = self.watch.last_seq
            await self.send("Accepted", {"seq": self._accepted_seq})

    async def _keep_alive(self) -> None:
        """A ping whenever nothing was said for half of a heartbeat; no scenario sees its pong."""
        while True:
            await asyncio.sleep(self.heartbeat_seconds / 4)
            silent = asyncio.get_running_loop().time() - self._said_at
            if self.keepalive and self.accepted() and silent > self.heartbeat_seconds / 2:
                await self.send("Hello", {"kind": "ping", "nonce": KEEPALIVE_NONCE})


def pieces(octets: bytes, sizes: list[int] | None) -> list[bytes]:
    """Octets in pieces of these sizes, of the last size to the end."""
    if not sizes:
        return [octets]
    made: list[bytes] = []
    at = 0
    while at < len(octets):
        size = sizes[min(len(made), len(sizes) - 1)]
        made.append(octets[at : at + size])
        at += size
    return made


def described(message: str, value: dict[str, Any]) -> str:
    """A message in a line of the log."""
    shown = ("%s=%s" % (name, _short(item)) for name, item in value.items())
    return "%s %s" % (message, " ".join(shown))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 90 else text[:90] + "…"
