"""The cases of a spec, all kinds of them: what is sent, what must be said, and what that shows.

The octets are put together by rules; what an implementation must say of them is asked of the reference codec, and tests
hold it against a decoder that was written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from wiretask_codegen.goldens import by_hand, connections
from wiretask_codegen.goldens.binding import Binding
from wiretask_codegen.goldens.encodes import Encode, Encoder, message_values, relayed_values
from wiretask_codegen.goldens.frames import Derived, message_payloads, relayed_payloads
from wiretask_codegen.goldens.reading import Reading, read_message, read_relayed
from wiretask_codegen.goldens.streams import Stream, Streams, header
from wiretask_codegen.model import Message, Relayed, Spec
from wiretask_codegen.problems import Problems

Case = dict[str, Any]
Judge = Callable[[bytes], Case | None]

#: Octets of a frame's header.
_HEADER = 5
#: Requirements that a frame shows by itself, and the rule whose frames show it: grease is sent, so it must be skipped.
_SHOWN = {"grease": "R-HEL-010"}


class Cases:
    """Makes the cases of a spec."""

    def __init__(self, spec: Spec, binding: Binding) -> None:
        self._spec = spec
        self._binding = binding
        self._encoder = Encoder(binding)
        self._shown: set[str] = set()
        self._messages = {message.command: message for message in spec.messages}
        self._relayed = {relayed.name: relayed for relayed in spec.relayed}

    def of_message(self, message: Message) -> Iterator[Case]:
        """The frames of a message."""
        judge = self._judge(message)
        for derived in _once(message_payloads(message, judge, self._shown)):
            frame = header(message.command, len(derived.payload)) + derived.payload
            name = f"{message.name}/{derived.rule}"
            case = _case(name, "decode", since=message.since) | {"frame": frame.hex()}
            yield self._said(case, derived, judge(derived.payload), _reader(message))

    def of_relayed(self, relayed: Relayed) -> Iterator[Case]:
        """A relayed struct, read by whom it is for."""
        judge = self._judge(relayed)
        for derived in _once(relayed_payloads(relayed)):
            case = _case(f"{relayed.name}/{derived.rule}", "relayed")
            case |= {"struct": relayed.name, "octets": derived.payload.hex()}
            yield self._said(case, derived, judge(derived.payload), _reader(relayed))

    def of_encoding(self) -> Iterator[Case]:
        """What an encoder is given."""
        for message in self._spec.messages:
            yield from self._encodes("message", message_values(message, self._judge(message)))
        for relayed in self._spec.relayed:
            yield from self._encodes("struct", relayed_values(relayed))

    def _encodes(self, kind: str, encodes: Iterable[Encode]) -> Iterator[Case]:
        seen: set[str] = set()
        for encode in encodes:
            since = encode.owner.since if isinstance(encode.owner, Message) else 1
            case = _case(f"encode/{encode.owner.name}/{encode.rule}", "encode", since=since)
            case |= {kind: encode.owner.name, "value": encode.value, "expect": self._encoder.expected(encode)}
            if str(encode.value) not in seen:
                seen.add(str(encode.value))
                yield case

    def of_streams(self) -> Iterator[Case]:
        """What a connection makes of octets."""
        for stream in Streams(self._spec).all():
            expect = connections.read(self._binding, stream)
            case = _case(f"stream/{stream.name}", "stream") | _stream_keys(stream) | {"expect": expect}
            error = expect["error"]
            yield case | {"covers": [*stream.covers, *([f"error:{error}:decode"] if error else [])]}

    def by_hand(self, folder: Path) -> Iterator[Case]:
        """What people have written. Raises SpecError where the reference codec says something else."""
        problems = Problems()
        for written in by_hand.load(folder):
            case = _case(written.case["name"], written.case["kind"]) | written.case
            strange = self._strange(case)
            if strange:
                problems.add(written.place, "D003", f"{case['name']} is about {strange}, which the spec does not have")
                continue
            judged = self._judged(case)
            if judged["expect"] != case["expect"]:
                text = f"{case['name']} expects {case['expect']}, and the reference codec says {judged['expect']}"
                problems.add(written.place, "D002", f"{text}; mend one of them")
            for key in ("covers", "requires"):
                judged[key] = [*dict.fromkeys([*case[key], *judged[key]])]
            yield case | judged
        problems.refuse_if_any()

    def _strange(self, case: Case) -> str:
        """What a case that is written by hand is about and is not in the spec; empty if nothing."""
        if case["kind"] == "relayed":
            return "" if case["struct"] in self._relayed else f"the relayed struct {case['struct']}"
        if case["kind"] == "decode":
            message = self._messages.get(int(case["frame"][:2] or "0", 16))
            name = case["name"].partition("/")[0]
            return "" if message is not None and message.name == name else f"a {name} with this command"
        machine = next((item for item in self._spec.machines if item.name == f"{case['side']}_connection"), None)
        known = machine is not None and case["state"] in machine.table
        return "" if known else f"the state {case['state']} of the {case['side']}"

    def _judged(self, case: Case) -> Case:
        """What the reference says of a case that is written by hand, and what that shows."""
        if case["kind"] == "stream":
            keys = ("side", "state", "limit", "end")
            chunks = [bytes.fromhex(chunk) for chunk in case["chunks"]]
            expect = connections.read(self._binding, Stream(name="", chunks=chunks, **{key: case[key] for key in keys}))
            covers = [f"error:{expect['error']}:decode"] if expect["error"] else []
            return {"expect": expect, "covers": covers, "requires": []}
        payload = bytes.fromhex(case.get("octets") or case["frame"][2 * _HEADER :])
        owner: Message | Relayed
        owner = (
            self._relayed[case["struct"]] if case["kind"] == "relayed" else self._messages[int(case["frame"][:2], 16)]
        )
        said = self._said(dict(case), Derived(rule="", payload=payload), self._judge(owner)(payload), _reader(owner))
        return {key: said[key] for key in ("expect", "value", "map", "covers", "requires") if key in said}

    def _judge(self, owner: Message | Relayed) -> Judge:
        """What the reference codec says of a payload: None where it is legal."""
        decode = getattr(self._binding.reference, f"decode_{owner.name.lower()}")
        if isinstance(owner, Relayed):
            return lambda payload: self._binding.said(decode, payload)
        return lambda payload: self._binding.said(decode, payload, 0, len(payload))

    def _said(self, case: Case, derived: Derived, said: Case | None, read: Callable[[bytes], Reading]) -> Case:
        """The case with what must be said of its octets, and what that shows."""
        case["expect"] = said
        covers = [cover for cover in derived.covers if _shows(cover, derived.path, said)]
        rules: list[tuple[str, bool]] = []
        if said is None:
            reading = read(derived.payload)
            case |= {"value": reading.value, "map": _map(case["kind"], reading)}
            rules = reading.rules
        else:
            if "/cut-" not in derived.rule:
                covers.append(f"error:{said['error']}:decode")
            if said["error"] == "RULE_BROKEN":
                rules = [rule for rule in read(derived.payload).rules if not rule[1]][:1]
        covers += [f"rule:{rule}:{'kept' if kept else 'broken'}" for rule, kept in rules]
        requires = [rule for rule, _ in rules]
        if derived.rule.endswith("/grease"):
            requires.append(_SHOWN["grease"])
            covers.append(f"requirement:{_SHOWN['grease']}")
        case["covers"] = [*dict.fromkeys(covers)]
        case["requires"] = [*dict.fromkeys(requires)]
        return case


def _reader(owner: Message | Relayed) -> Callable[[bytes], Reading]:
    """How octets of a message's payload, or of a relayed struct, are read."""
    if isinstance(owner, Message):
        return lambda octets: read_message(owner, octets)
    return lambda octets: read_relayed(owner, octets)


def _shows(cover: str, path: str, said: Case | None) -> bool:
    """Whether a case shows an item: not if it is refused for something else than the part that was exchanged."""
    if said is None or cover.startswith("section:") or cover.endswith((":short", ":long")):
        return True
    return cover.startswith("field:") and bool(path) and _names(said, path)


def _names(said: Case, path: str) -> bool:
    """Whether an error is that of a part: it has its path, or that of the tag which the part reaches beyond."""
    field = str(said["field"])
    return field.startswith(path) or (said["error"] == "TAG_LENGTH" and path.startswith(f"{field}."))


def _map(kind: str, reading: Reading) -> list[list[object]]:
    """Where each part lies: in the frame, or in the octets of a relayed struct."""
    if kind == "relayed":
        return [[*entry] for entry in reading.map]
    inside = [[start + _HEADER, end + _HEADER, path] for start, end, path in reading.map]
    return [[0, 1, "command"], [1, _HEADER, "length"], *inside]


def _case(name: str, kind: str, *, since: int = 1) -> Case:
    """A case that has no id yet."""
    return {"id": None, "name": name, "kind": kind, "requires": [], "level": "MUST", "since": since, "covers": []}


def _stream_keys(stream: Stream) -> Case:
    chunks = [chunk.hex() for chunk in stream.chunks]
    return {"side": stream.side, "state": stream.state, "limit": stream.limit, "chunks": chunks, "end": stream.end}


def _once(payloads: Iterable[Derived]) -> Iterator[Derived]:
    """Each payload once, with all that it shows."""
    found: dict[bytes, Derived] = {}
    shown: dict[bytes, list[Derived]] = {}
    for derived in payloads:
        found.setdefault(derived.payload, derived)
        shown.setdefault(derived.payload, []).append(derived)
    for payload, derived in found.items():
        others = shown[payload]
        covers = tuple(dict.fromkeys(cover for other in others for cover in other.covers))
        paths = {other.path for other in others if other.covers}
        path = paths.pop() if len(paths) == 1 else derived.path
        yield Derived(rule=derived.rule, payload=payload, covers=covers, path=path)
