"""Our own codec as a testee: the contract of conformance/README.md over `wiretask_protocol`.

The only module of the suite that imports it: the harness must not trust what it tests.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from wiretask_protocol import SPEC_DIGEST, Connection, WireError, codec
from wiretask_protocol.machines import ClientConnectionState, SchedulerConnectionState, WorkerConnectionState

#: Connections in a state in which most messages are allowed.
_STATES: dict[str, list[Any]] = {
    "scheduler": [
        SchedulerConnectionState.CLIENT,
        SchedulerConnectionState.WORKER,
        SchedulerConnectionState.WORKER_NEW,
    ],
    "worker": [WorkerConnectionState.ACCEPTED],
    "client": [ClientConnectionState.ACCEPTED],
}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request."""
    match request["op"]:
        case "start":
            return {
                "implementation": {"name": "wiretask", "language": "python", "codec": codec.MODE},
                "spec": SPEC_DIGEST,
            }
        case "decode":
            return decode(bytes.fromhex(request["frame"]))
        case "stream":
            return stream([bytes.fromhex(chunk) for chunk in request["chunks"]])
        case "stop":
            return {}
        case other:
            return {"skipped": f"no operation {other}"}


def decode(frame: bytes) -> dict[str, Any]:
    """What the codec says of a frame; a message is shown by its octets, encoded again."""
    try:
        message = codec.decode(frame[0], frame[5:])
    except WireError as error:
        return {"error": error.code.name, "field": error.field, "offset": error.offset}
    return {"ok": {"message": type(message).__name__, "reencoded": codec.encode(message).hex()}}


def stream(chunks: list[bytes]) -> dict[str, Any]:
    """The frames that a connection which takes them finds in chunks of octets."""
    for side, states in _STATES.items():
        for state in states:
            connection = Connection(side)  # type: ignore[arg-type] # the keys are the sides
            connection._enter(state)  # noqa: SLF001 -- as if it had been accepted
            connection._greeted = True  # noqa: SLF001
            frames: list[str] = []
            try:
                for chunk in chunks:
                    frames += [codec.encode(message).hex() for message in connection.receive(chunk)]
                    while connection.more:
                        frames += [codec.encode(message).hex() for message in connection.receive(b"")]
            except WireError:
                continue
            return {"ok": {"frames": frames}}
    return {"skipped": "no state takes it"}


def main() -> None:
    """Answers until it is told to stop."""
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"seq": request["seq"], **answer(request)}), flush=True)
        if request["op"] == "stop":
            return


if __name__ == "__main__":
    main()
