"""Streams: what a connection makes of octets, before any payload is looked at, and in which order it finds errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from wiretask_codegen.goldens.rules import tag
from wiretask_codegen.machines import DIRECTIONS
from wiretask_codegen.model import Example, Limit, Machine, Message, Spec, State

#: What comes to a scheduler's port besides Hellos.
_STRANGERS = {
    "http": b"GET /metrics HTTP/1.1\r\nHost: localhost:9001\r\n\r\n",
    "http-one-octet": b"G",
    "http-post": b"POST / HTTP/1.1\r\n\r\n",
    "http-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls": bytes.fromhex("16030100ba010000b60303"),
    "proxy": b"PROXY TCP4 10.0.0.1 10.0.0.2 56324 9001\r\n",
    "proxy-2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "zeros": bytes(16),
    "ones": b"\xff" * 16,
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "postgres": bytes.fromhex("0000000804d2162f"),
    "amqp": b"AMQP\0\0\t\1",
    "line-break": b"\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Chunks that come to one side of a connection that is in a state; `end`: then the stream ends."""

    name: str
    side: str
    state: str
    #: The frame limit in force once accepted.
    limit: int
    chunks: list[bytes] = field(default_factory=list)
    end: bool = False
    covers: tuple[str, ...] = ()


class Streams:
    """Every stream of a spec."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        limits = {limit.name: limit for limit in spec.limits}
        self.frame_limit: Limit = limits["frame_limit"]
        #: The limit of a stream that is not about it: the smallest that may be agreed on.
        self.limit = self.frame_limit.floor or self.frame_limit.value
        self.handshake_limit = limits["handshake_frame_limit"].value

    def all(self) -> Iterator[Stream]:
        """Every one."""
        yield from self._strangers()
        yield from self._greetings()
        yield from self._orders()
        yield from self._limits()
        yield from self._commands()
        yield from self._cells()
        yield from self._followed()

    def _stream(self, name: str, place: str, chunks: list[bytes], *covers: str, end: bool = False) -> Stream:
        side, _, state = place.partition("/")
        return Stream(name=name, side=side, state=state, limit=self.limit, chunks=chunks, end=end, covers=covers)

    def _frame(self, name: str) -> bytes:
        return example(self.spec, name).frame

    def _strangers(self) -> Iterator[Stream]:
        for name, octets in _STRANGERS.items():
            yield self._stream(f"stranger/{name}", "scheduler/greeting", [octets])
            if len(octets) > 1:
                yield self._stream(f"stranger/{name}-in-two", "scheduler/greeting", [octets[:1], octets[1:]])

    def _greetings(self) -> Iterator[Stream]:
        hello = self._frame("Hello/open")
        cases: dict[str, tuple[list[bytes], bool]] = {
            "open": ([hello], False),
            "octet-by-octet": ([bytes([octet]) for octet in hello], False),
            "empty-chunks": ([b"", hello[:7], b"", hello[7:]], False),
            "nothing": ([], True),
            "ended-in-the-header": ([hello[:3]], True),
            "ended-in-the-payload": ([hello[:-1]], True),
            "not-whole-yet": ([hello[:-1]], False),
            "of-4-gib": ([header(3, 0xFFFFFFFF)], False),
            "empty-hello": ([header(3, 0)], False),
            "open-then-more": ([hello + self._frame("Query/status")], False),
            "open-then-nonsense": ([hello + b"\xff" * 16], False),
        }
        for name, (chunks, end) in cases.items():
            yield self._stream(f"greeting/{name}", "scheduler/greeting", chunks, end=end)

    def _orders(self) -> Iterator[Stream]:
        """Which of several errors is found, and what was found before it."""
        query, wait, task = (self._frame(name) for name in ("Query/status", "Await/result", "Task/sha256"))
        number = query[0]
        grease, later, bad = header(0xC5, 3) + b"abc", header(0x80, 2) + b"ab", header(number, 3) + b"abc"
        cases: dict[str, tuple[list[bytes], bool]] = {
            "two-in-one-chunk": ([query + wait], False),
            "two-across-chunks": ([query[:9], query[9:] + wait[:4], wait[4:]], False),
            "grease-between": ([query + grease + wait], False),
            "skippable-between": ([query, later[:6], later[6:] + wait], False),
            "ended-in-what-is-skipped": ([query + grease[:-1]], True),
            "good-then-bad": ([query + bad + wait], False),
            "bad-payload-not-whole": ([bad[:-1]], False),
            "unexpected-then-good": ([task + query], False),
            "unexpected-by-its-header": ([task[:5]], False),
            "unexpected-before-too-large": ([header(task[0], self.limit + 1)], False),
            "unknown-before-too-large": ([header(0x7F, self.limit + 1)], False),
            "too-large-before-bad": ([header(number, self.limit + 1) + b"abc"], False),
            "good-then-too-large": ([query + header(number, self.limit + 1)], False),
            "skippable-over-the-limit": ([header(0x80, self.limit + 1)], False),
            "grease-over-the-first-limit": (
                [header(0xCF, self.handshake_limit + 1) + bytes(self.handshake_limit + 1) + query],
                False,
            ),
            "ended-between-frames": ([query], True),
            "four-octets-of-a-header": ([query + header(number, 0)[:4]], False),
            "ended-in-a-header": ([query + header(number, 0)[:4]], True),
        }
        for name, (chunks, end) in cases.items():
            yield self._stream(f"order/{name}", "scheduler/client", chunks, end=end)

    def _limits(self) -> Iterator[Stream]:
        """A frame of just the limit, and a longer one: before and after the accept, on each side."""
        hello, accept = self._frame("Hello/open"), self._frame("Hello/accept")
        least, most = self.handshake_limit, self.frame_limit.ceiling or self.limit
        first = "limit:handshake_frame_limit"
        for place, frame in (("scheduler/greeting", hello), ("worker/opening", accept), ("client/opening", accept)):
            name = f"limit/{place}"
            if frame is hello:
                yield self._stream(f"{name}/at", place, [_padded(frame, least)], f"{first}:at")
            yield self._stream(f"{name}/at-by-its-header", place, [header(frame[0], least)], f"{first}:at")
            yield self._stream(f"{name}/over", place, [header(frame[0], least + 1)], f"{first}:over")
        ping = self._frame("Hello/ping")[0]
        for place in ("scheduler/client", "scheduler/worker", "worker/accepted", "client/accepted"):
            side, state = place.split("/")
            for limit in (self.limit, self.frame_limit.value, most):
                for name, length in (("at", limit), ("over", limit + 1)):
                    yield Stream(
                        name=f"limit/{place}/{limit}/{name}",
                        side=side,
                        state=state,
                        limit=limit,
                        chunks=[header(ping, length)],
                        covers=(f"limit:frame_limit:{name}",),
                    )

    def _commands(self) -> Iterator[Stream]:
        """Every command that no message has, before and after the accept."""
        known = {message.command for message in self.spec.messages}
        after = self._frame("Hello/ping")
        for command in sorted(set(range(256)) - known):
            covers = [f"command:{item.first}-{item.last}" for item in self.spec.command_ranges]
            within = [item.first <= command <= item.last for item in self.spec.command_ranges]
            covers = [cover for cover, holds in zip(covers, within, strict=True) if holds]
            frame = header(command, 1) + b"x"
            for place in ("scheduler/client", "worker/opening"):
                yield self._stream(f"command/{place}/0x{command:02x}", place, [frame + after], *covers)

    def _cells(self) -> Iterator[Stream]:
        """Every message in every state of every side."""
        for machine, state in _states(self.spec):
            side = DIRECTIONS[machine.messages or ""]
            for event, shown in _events(self.spec):
                covers = [f"cell:{side}/{state.name}/{event}"]
                if machine.table[state.name].get(event) is not None:
                    covers.append(f"transition:{machine.name}/{state.name}/{event}")
                name = f"cell/{side}/{state.name}/{event}"
                yield self._stream(name, f"{side}/{state.name}", [shown.frame], *covers)

    def _followed(self) -> Iterator[Stream]:
        """After a message that changes the state, each other message is judged in the new one."""
        for machine, state in _states(self.spec):
            side = DIRECTIONS[machine.messages or ""]
            shown = dict(_events(self.spec))
            for event, target in machine.table[state.name].items():
                if target in (None, state.name) or event not in shown or state.local or state.final:
                    continue
                for second, allowed in machine.table[state.name].items():
                    # What both states allow, or neither, does not tell them apart.
                    differs = (allowed is None) != (machine.table[str(target)][second] is None)
                    if second in shown and differs:
                        name = f"followed/{side}/{state.name}/{event}/{second}"
                        chunks = [shown[event].frame + shown[second].frame]
                        yield self._stream(name, f"{side}/{state.name}", chunks)


def header(command: int, length: int) -> bytes:
    """The header of a frame."""
    return bytes([command]) + length.to_bytes(4, "big")


def _padded(frame: bytes, length: int) -> bytes:
    """A Hello whose payload has just this length, by the one tag that it does not know."""
    counted = 14
    spare = length - (len(frame) - 5) - 6
    octets = bytearray(frame + tag(0x7FAF, bytes(spare)))
    octets[counted] += 1
    octets[:5] = header(frame[0], length)
    return bytes(octets)


def _states(spec: Spec) -> Iterator[tuple[Machine, State]]:
    """The states of the machines that read."""
    for machine in spec.machines:
        if machine.messages is not None:
            for state in machine.states:
                yield machine, state


def _events(spec: Spec) -> Iterator[tuple[str, Example]]:
    """Each message, and each kind of it, with the first example that is one."""
    seen: set[str] = set()
    for message in spec.messages:
        for shown in message.examples:
            name = _event(message, shown)
            if name not in seen:
                seen.add(name)
                yield name, shown


def _event(message: Message, shown: Example) -> str:
    kind = shown.value.get("kind")
    return f"{message.name}.{kind}" if kind is not None else message.name


def example(spec: Spec, name: str) -> Example:
    """The example of this name, as Hello/open."""
    message_name, _, example_name = name.partition("/")
    message = next(message for message in spec.messages if message.name == message_name)
    return next(shown for shown in message.examples if shown.name == example_name)
