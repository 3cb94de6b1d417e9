"""The golden cases: what is put to a codec, and the one thing that it must say.

They are the generator's, and read from `golden/`; only the splits are made here, because a rule says them shorter than
a list: each example, in two parts at every octet, and octet by octet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from wiretask_conformance.spec import Event, Spec, read

#: Kinds of cases, in the order in which they are run and counted.
KINDS = ("decode", "relayed", "encode", "stream", "split")


class Case(NamedTuple):
    """One case: the requests that are made of a codec, and what each of them must be answered with."""

    id: str
    name: str
    kind: str
    level: str
    requires: tuple[str, ...]
    covers: tuple[str, ...]
    requests: tuple[dict[str, Any], ...]
    #: `{"ok": …}` with all that is looked at, or `{"error": …}` with field and offset where they are prescribed.
    expected: dict[str, Any]
    #: The octets that it is about, for people.
    octets: str
    #: First and last version of the protocol that it belongs to; None where there is no last.
    since: int
    until: int | None


def load(spec: Spec, version: int) -> list[Case]:
    """Every case of a version, in the order of KINDS."""
    cases = [_case(entry, version) for name in json.loads(read("manifest.json"))["files"] for entry in _entries(name)]
    cases += _splits(spec, version)
    chosen = [case for case in cases if case.since <= version and (case.until is None or version <= case.until)]
    return sorted(chosen, key=lambda case: KINDS.index(case.kind))


def _entries(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(read(name))["cases"]
    return entries


def _case(entry: dict[str, Any], version: int) -> Case:
    request, expected, octets = _BUILDERS[entry["kind"]](entry)
    return Case(
        entry["id"],
        entry["name"],
        entry["kind"],
        entry["level"],
        tuple(entry["requires"]),
        tuple(entry["covers"]),
        ({**request, "version": version},),
        expected,
        octets,
        entry["since"],
        entry.get("until"),
    )


def _decode(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], str]:
    frame = entry["frame"]
    request = {"op": "decode", "frame": frame}
    return request, _said(entry, {"message": entry["name"].partition("/")[0], "reencoded": frame}), frame


def _relayed(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], str]:
    octets = entry["octets"]
    request = {"op": "decode", "struct": entry["struct"], "octets": octets}
    return request, _said(entry, {"struct": entry["struct"], "reencoded": octets}), octets


def _said(entry: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    expect: dict[str, Any] | None = entry["expect"]
    return expect if expect is not None else {"ok": {**about, "value": entry["value"]}}


def _encode(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], str]:
    what: dict[str, Any] = {key: entry[key] for key in ("message", "struct") if key in entry}
    expect: dict[str, Any] = entry["expect"]
    octets = expect.get("frame") or expect.get("octets") or ""
    expected = {"error": expect["error"]} if "error" in expect else {"ok": expect}
    return {"op": "encode", **what, "value": entry["value"]}, expected, octets


def _stream(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], str]:
    request = {key: entry[key] for key in ("side", "state", "limit", "chunks", "end")}
    return {"op": "stream", **request}, {"ok": entry["expect"]}, "".join(entry["chunks"])


_BUILDERS = {"decode": _decode, "relayed": _relayed, "encode": _encode, "stream": _stream}


def _splits(spec: Spec, version: int) -> Iterator[Case]:
    """Each example, split at every octet."""
    for example in spec.examples:
        frame: str = example["frame"]
        side, state = place(spec, event_of(example))
        pairs = [frame[at : at + 2] for at in range(0, len(frame), 2)]
        splits = [[frame[:at], frame[at:]] for at in range(2, len(frame), 2)]
        where = {"op": "stream", "version": version, "side": side, "state": state, "limit": 65536, "end": False}
        requests = tuple({**where, "chunks": chunks} for chunks in [pairs, *splits])
        name = "%s/every-split" % example["name"]
        expected = {"ok": {"frames": [frame], "error": None}}
        yield Case("x-" + example["name"], name, "split", "MUST", (), (), requests, expected, frame, 1, None)


def event_of(example: dict[str, Any]) -> Event:
    """The event that an example is."""
    message = example["name"].partition("/")[0]
    kind = example["value"].get("kind")
    return Event(message, kind)


def place(spec: Spec, event: Event) -> tuple[str, str]:
    """A side and a state in which a message may arrive and is passed on."""
    for side in ("scheduler", "worker", "client"):
        machine = spec.machine(side)
        for state in machine.reading():
            if machine.table[state].get(event.name) is not None:
                return side, state
    raise AssertionError(event)
