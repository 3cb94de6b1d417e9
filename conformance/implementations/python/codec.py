"""Our own codec as a testee: the contract of conformance/README.md over `wiretask_protocol`.

WIRETASK_CODEC=reference puts the construct codec to the test instead of the fast one.
"""

from __future__ import annotations

import enum
import json
import sys
import types
import typing
from collections.abc import Iterable
from typing import Any

import msgspec

from wiretask_protocol import Connection, WireError, codec, machines, messages

#: The codec of the relayed structs, read by whom they are for.
RELAYED: dict[str, tuple[Any, Any]] = {
    "Envelope": (codec.decode_envelope, codec.encode_envelope),
    "Report": (codec.decode_report, codec.encode_report),
}


def main(lines: Iterable[str] = sys.stdin) -> None:
    """Answers until it is told to stop."""
    for line in lines:
        request = json.loads(line)
        print(json.dumps({"seq": request["seq"], **answer(request)}), flush=True)
        if request["op"] == "stop":
            return


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request."""
    match request["op"]:
        case "start":
            implementation = {"name": f"wiretask-{codec.MODE}", "version": "0.1", "language": "python"}
            return {"implementation": implementation, "pipeline": 64}
        case "decode":
            return decode(request)
        case "encode":
            return encode(request)
        case "stream":
            return {"ok": stream(request)}
        case "stop":
            return {}
        case other:
            return {"skipped": f"no operation {other}"}


def decode(request: dict[str, Any]) -> dict[str, Any]:
    """What the codec says of a frame or of a relayed struct."""
    try:
        if "struct" in request:
            read, write = RELAYED[request["struct"]]
            found: Any = read(bytes.fromhex(request["octets"]))
            return {"ok": {"struct": request["struct"], "value": plain(found), "reencoded": write(found).hex()}}
        frame = bytes.fromhex(request["frame"])
        found = codec.decode(frame[0], frame[5:])
        return {"ok": {"message": type(found).__name__, "value": plain(found), "reencoded": codec.encode(found).hex()}}
    except WireError as error:
        return {"error": error.code.name, "field": error.field, "offset": error.offset}


def encode(request: dict[str, Any]) -> dict[str, Any]:
    """What the codec makes of a value."""
    struct = request.get("struct")
    try:
        value = made(getattr(messages, struct or request["message"]), request["value"])
    except (ValueError, TypeError, KeyError) as error:
        return {"unrepresentable": str(error)}
    try:
        if struct is not None:
            return {"ok": {"octets": RELAYED[struct][1](value).hex()}}
        return {"ok": {"frame": codec.encode(value).hex()}}
    except WireError as error:
        return {"error": error.code.name}


def stream(request: dict[str, Any]) -> dict[str, Any]:
    """What a connection in some state hands on of the octets that come."""
    side = request["side"]
    state = getattr(machines, f"{side.capitalize()}ConnectionState")[request["state"].upper()]
    connection = Connection(side, frame_limit=request["limit"])
    if connection.state is not state:
        connection._enter(state)
        connection._greeted = True
    local = getattr(machines, f"{side.upper()}_CONNECTION_LOCAL")
    frames: list[str] = []
    try:
        for chunk in request["chunks"]:
            frames += [codec.encode(message).hex() for message in connection.receive(bytes.fromhex(chunk))]
            while connection.more and connection.state not in local:
                frames += [codec.encode(message).hex() for message in connection.receive(b"")]
        if request["end"]:
            connection.eof()
    except WireError as error:
        return {"frames": frames, "error": error.code.name}
    return {"frames": frames, "error": None}


def plain(value: Any) -> Any:
    """A value as the contract writes it."""
    match value:
        case bool() | str():
            return value
        case int():
            return str(int(value))
        case bytes():
            return f"hex:{value.hex()}"
        case tuple():
            return [plain(item) for item in value]
        case msgspec.Struct():
            there = {name: getattr(value, name) for name in value.__struct_fields__ if getattr(value, name) is not None}
            unknown = [{"tag": str(tag), "value": plain(octets)} for tag, octets in there.pop("unknown", ())]
            return {name: plain(item) for name, item in there.items()} | ({"unknown": unknown} if unknown else {})
    raise AssertionError(value)


def made(kind: Any, value: Any) -> Any:
    """What the contract writes, as our codec wants it. Raises what the types raise where they cannot hold it."""
    if isinstance(kind, types.UnionType):
        kind = next(member for member in typing.get_args(kind) if member is not type(None))
    if typing.get_origin(kind) is tuple:
        return tuple(made(typing.get_args(kind)[0], item) for item in value)
    if kind is bytes:
        return bytes.fromhex(value.removeprefix("hex:"))
    if kind in (bool, str):
        return value
    if issubclass(kind, enum.Enum | int):
        return kind(int(value))
    hints = typing.get_type_hints(kind)
    fields = {name: made(hints[name], item) for name, item in value.items() if name != "unknown"}
    if "unknown" in value:
        fields["unknown"] = tuple((int(tag["tag"]), made(bytes, tag["value"])) for tag in value["unknown"])
    return kind(**fields)


if __name__ == "__main__":
    main()
