"""One Task, coded and decoded, beside protobuf (upb) with the same content."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from typing import Any

from wiretask_bench.figures import Goal, Row, at_most
from wiretask_bench.settings import Settings
from wiretask_protocol import codec, fast, messages

_TIMES = 20_000
_FIELDS = ("task_id", "lease", "attempt", "time_limit", "remaining", "envelope")


def coded(settings: Settings) -> list[Row]:
    """Both ways, in turns. Decoding includes looking at each field: upb makes Python objects of them only then."""
    envelope = codec.encode_envelope(messages.Envelope("sha256", "default", 0, b"Hello, World!"))
    values: dict[str, Any] = {"task_id": bytes(range(16)), "lease": 2**33 + 1, "attempt": 1, "time_limit": 60_000}
    task = messages.Task(**values, remaining=0, envelope=envelope)
    frame = codec.encode(task)
    theirs = _message()(**values, remaining=0, envelope=envelope)
    octets = theirs.SerializeToString()
    parse = type(theirs).FromString

    def decoded() -> Any:
        return fast.decode_task(frame, 5, len(frame))

    def read(task: Any) -> None:
        task.task_id, task.lease, task.attempt, task.time_limit, task.remaining, task.envelope  # noqa: B018 -- a look

    rounds = max(settings.rounds, 3)
    return [
        _row("decode", 0.5, rounds, lambda: read(decoded()), lambda: read(parse(octets)), decoded),
        _row("encode", 0.35, rounds, lambda: fast.encode_task(task), theirs.SerializeToString),
    ]


def _row(
    name: str,
    goal: float,
    rounds: int,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    alone: Callable[[], object] | None = None,
) -> Row:
    pairs = [(_micros(ours), _micros(theirs)) for _ in range(rounds)]
    value, floor = (statistics.median(side) for side in zip(*pairs, strict=True))
    itself = value if alone is None else statistics.median(_micros(alone) for _ in range(rounds))
    return Row(
        name=f"codec-{name}",
        what=f"fast codec, {name} one Task" + (" and read its fields" if alone else ""),
        unit="µs",
        better="less",
        value=value,
        floor="protobuf (upb), same content",
        floor_value=floor,
        ratios=[mine / other for mine, other in pairs],
        goals=[
            at_most(itself, goal, f"{goal} µs" + (f" without reading: {itself:.2f}" if alone else "")),
            Goal("≤ 1 × protobuf", value <= floor),
        ],
    )


def _micros(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=_TIMES // 10, repeat=10)) / (_TIMES // 10) * 1e6


def _message() -> Any:
    """The class that protoc would make of the same six fields."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.internal import api_implementation

    if api_implementation.Type() != "upb":
        raise RuntimeError(f"protobuf runs its {api_implementation.Type()} implementation here, not upb")
    file = descriptor_pb2.FileDescriptorProto(name="task.proto", syntax="proto3")
    message = file.message_type.add(name="Task")
    kinds = descriptor_pb2.FieldDescriptorProto
    types = (kinds.TYPE_BYTES, kinds.TYPE_UINT64, *(kinds.TYPE_UINT32,) * 3, kinds.TYPE_BYTES)
    for number, (name, kind) in enumerate(zip(_FIELDS, types, strict=True), 1):
        message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Task"))
