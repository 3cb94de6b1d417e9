# Generated from spec/ (sha256 cc8e984844d8e543); do not edit.
# Edit the spec and run: nox -s generate
"""The fast codec: straight-line code over precompiled structs, fully checked.

It accepts exactly what the reference codec accepts. On any doubt it hands the same bytes (or the same message) to the
reference, which raises the error with its code, its field and its offset; so both speak with one voice.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from wiretask_protocol import messages
from wiretask_protocol.errors import CodecDisagreement
from wiretask_protocol.messages import (
    Accepted,
    AttemptRecord,
    Auth,
    AuthKind,
    Await,
    Cancel,
    ConcurrencyKey,
    Credit,
    Envelope,
    Error,
    FairnessKey,
    Gather,
    Gathered,
    Goodbye,
    Group,
    Header,
    HeldLease,
    Hello,
    HelloKind,
    MemberResult,
    Progress,
    Query,
    QueueWeight,
    RateKey,
    Report,
    Resource,
    Result,
    Resume,
    Retract,
    RetryPolicy,
    Return,
    Schedule,
    ScheduleAction,
    Status,
    Submit,
    Subscribe,
    Task,
    TypeSupport,
    UniqueKey,
    VersionRange,
)


class Doubt(Exception):  # noqa: N818 -- it is no error yet
    """Something is not as it should be; the reference codec will say what."""


_DOUBTS = (Doubt, struct.error, KeyError, IndexError, ValueError, TypeError, AttributeError, OverflowError)

_U8 = struct.Struct(">B")
_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_HEADER = struct.Struct(">BI")
_TAG = struct.Struct(">HI")
_TAG_16s = struct.Struct(">HI16s")
_TAG_32s = struct.Struct(">HI32s")
_TAG_B = struct.Struct(">HIB")
_TAG_H = struct.Struct(">HIH")
_TAG_I = struct.Struct(">HII")
_TAG_Q = struct.Struct(">HIQ")
_STRUCTS = {code: struct.Struct(code) for code in (">16s", ">32s", ">B", ">H", ">I", ">Q", )}
_BOOLEANS = {0: False, 1: True}
_BOOLEANS_WRITTEN = frozenset({0, 1})
_HELLO_KIND__MEMBERS: dict[int, HelloKind] = {member.value: member for member in HelloKind}
_AUTH_KIND__MEMBERS: dict[int, AuthKind] = {member.value: member for member in AuthKind}
_SCHEDULE_ACTION__MEMBERS: dict[int, ScheduleAction] = {member.value: member for member in ScheduleAction}
_VERSION_RANGE_0 = struct.Struct(">HH")
_QUEUE_WEIGHT_0 = struct.Struct(">B")
_QUEUE_WEIGHT_1 = struct.Struct(">H")
_TYPE_SUPPORT_0 = struct.Struct(">B")
_TYPE_SUPPORT_1 = struct.Struct(">BH")
_RESOURCE_0 = struct.Struct(">B")
_RESOURCE_1 = struct.Struct(">Q")
_HEADER_0 = struct.Struct(">B")
_HEADER_1 = struct.Struct(">H")
_HELD_LEASE_0 = struct.Struct(">16sQ")
_RETRY_POLICY_0 = struct.Struct(">IHIH")
_UNIQUE_KEY_0 = struct.Struct(">B")
_UNIQUE_KEY_1 = struct.Struct(">BBI")
_GROUP_0 = struct.Struct(">16sH")
_GATHER_0 = struct.Struct(">HB")
_MEMBER_RESULT_0 = struct.Struct(">BI")
_GATHERED_0 = struct.Struct(">BH")
_CONCURRENCY_KEY_0 = struct.Struct(">B")
_CONCURRENCY_KEY_1 = struct.Struct(">H")
_RATE_KEY_0 = struct.Struct(">B")
_RATE_KEY_1 = struct.Struct(">III")
_FAIRNESS_KEY_0 = struct.Struct(">B")
_FAIRNESS_KEY_1 = struct.Struct(">H")
_ATTEMPT_RECORD_0 = struct.Struct(">HBQH")
_ATTEMPT_RECORD_1 = struct.Struct(">H")
_ENVELOPE_0 = struct.Struct(">B")
_ENVELOPE_1 = struct.Struct(">B")
_ENVELOPE_2 = struct.Struct(">BB")
_REPORT_0 = struct.Struct(">BB")
_TASK_0 = struct.Struct(">16sQHIIB")
_TASK_0_FRAMED = struct.Struct(">BI16sQHIIB")
_RESULT_0 = struct.Struct(">Q16sQBB")
_RESULT_0_FRAMED = struct.Struct(">BIQ16sQBB")
_HELLO_0 = struct.Struct(">BQB")
_HELLO_0_FRAMED = struct.Struct(">BIBQB")
_ERROR_0 = struct.Struct(">HBBBQH")
_ERROR_0_FRAMED = struct.Struct(">BIHBBBQH")
_ERROR_1 = struct.Struct(">B")
_AUTH_0 = struct.Struct(">B32sB")
_AUTH_0_FRAMED = struct.Struct(">BIB32sB")
_GOODBYE_0 = struct.Struct(">BB")
_GOODBYE_0_FRAMED = struct.Struct(">BIBB")
_SUBMIT_0 = struct.Struct(">Q16sHBB")
_SUBMIT_0_FRAMED = struct.Struct(">BIQ16sHBB")
_ACCEPTED_0 = struct.Struct(">QB")
_ACCEPTED_0_FRAMED = struct.Struct(">BIQB")
_SUBSCRIBE_0 = struct.Struct(">H")
_SUBSCRIBE_0_FRAMED = struct.Struct(">BIH")
_SUBSCRIBE_1 = struct.Struct(">H")
_SUBSCRIBE_2 = struct.Struct(">B")
_CREDIT_0 = struct.Struct(">IQQB")
_CREDIT_0_FRAMED = struct.Struct(">BIIQQB")
_CANCEL_0 = struct.Struct(">Q16sQBB")
_CANCEL_0_FRAMED = struct.Struct(">BIQ16sQBB")
_PROGRESS_0 = struct.Struct(">16sQQQI")
_PROGRESS_0_FRAMED = struct.Struct(">BI16sQQQI")
_PROGRESS_1 = struct.Struct(">B")
_QUERY_0 = struct.Struct(">Q16sB")
_QUERY_0_FRAMED = struct.Struct(">BIQ16sB")
_STATUS_0 = struct.Struct(">Q16sBBHB")
_STATUS_0_FRAMED = struct.Struct(">BIQ16sBBHB")
_STATUS_1 = struct.Struct(">B")
_STATUS_2 = struct.Struct(">B")
_AWAIT_0 = struct.Struct(">Q16sB")
_AWAIT_0_FRAMED = struct.Struct(">BIQ16sB")
_SCHEDULE_0 = struct.Struct(">QB")
_SCHEDULE_0_FRAMED = struct.Struct(">BIQB")
_SCHEDULE_1 = struct.Struct(">BBB")
_RETRACT_0 = struct.Struct(">16sQB")
_RETRACT_0_FRAMED = struct.Struct(">BI16sQB")
_RETURN_0 = struct.Struct(">Q16sQBB")
_RETURN_0_FRAMED = struct.Struct(">BIQ16sQBB")
_RESUME_0 = struct.Struct(">16sH")
_RESUME_0_FRAMED = struct.Struct(">BI16sH")
_RESUME_1 = struct.Struct(">B")
_ENVELOPE_TAIL = struct.Struct(">BBI")
_REPORT_TAIL = struct.Struct(">BBI")
_RESULT_WHOLE = struct.Struct(">Q16sQBBBBI")

#: Names that have been checked, both ways. Bounded: peers must not fill our memory.
_CACHED_NAMES = 4096
_NAMES: dict[bytes, str] = {}
_NAME_OCTETS: dict[str, bytes] = {}
#: The names that an Envelope begins with, by their octets.
_ENVELOPE_HEADS: dict[bytes, tuple[str, ...]] = {}
_NAME_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", re.ASCII)


def _refuse() -> NoReturn:
    raise Doubt


def _name(octets: bytes) -> str:
    name = _NAMES.get(octets)
    return name if name is not None else _new_name(octets)


def _new_name(octets: bytes) -> str:
    if not 1 <= len(octets) <= 128 or 0 in octets:
        raise Doubt
    name = octets.decode("utf-8")
    if _NAME_PATTERN.fullmatch(name) is None:
        raise Doubt
    if len(_NAMES) < _CACHED_NAMES:
        _NAMES[octets] = name
        _NAME_OCTETS[name] = octets
    return name


def _name_octets(name: str) -> bytes:
    octets = _NAME_OCTETS.get(name)
    if octets is None:
        octets = name.encode("utf-8")
        _new_name(octets)
    return octets


def _new_head(octets: bytes, count: int, heads: dict[bytes, tuple[str, ...]]) -> tuple[str, ...]:
    names = []
    at = 0
    for _ in range(count):
        end = at + 1 + octets[at]
        names.append(_name(octets[at + 1 : end]))
        at = end
    if at != len(octets):
        raise Doubt
    head = tuple(names)
    if len(heads) < _CACHED_NAMES:
        heads[octets] = head
    return head


def _text(octets: bytes, minimum: int, maximum: int) -> str:
    if not minimum <= len(octets) <= maximum or 0 in octets:
        raise Doubt
    return octets.decode("utf-8")


def _text_octets(text: str, minimum: int, maximum: int) -> bytes:
    octets = text.encode("utf-8")
    if not minimum <= len(octets) <= maximum or 0 in octets:
        raise Doubt
    return octets


def _octets(octets: bytes, maximum: int) -> bytes:
    if len(octets) > maximum:
        raise Doubt
    return octets


def _sized(prefix: struct.Struct, octets: bytes) -> bytes:
    return prefix.pack(len(octets)) + octets


_T = TypeVar("_T")
_Readers = dict[int, tuple[str, Callable[[bytes, int, int], Any]]]


def _parse_tags(data: bytes, at: int, stop: int, count: int, readers: _Readers) -> tuple[dict[str, Any], int]:
    if count == 1:
        number, length = _TAG.unpack_from(data, at)
        end = at + 6 + length
        if number in readers and end <= stop:
            name, reader = readers[number]
            return {name: reader(data, at + 6, end)}, end
    tags: dict[str, Any] = {}
    unknown: list[tuple[int, bytes]] = []
    last = 0
    for _ in range(count):
        number, length = _TAG.unpack_from(data, at)
        at += 6
        end = at + length
        if number <= last or end > stop:
            raise Doubt
        last = number
        if number in readers:
            name, reader = readers[number]
            tags[name] = reader(data, at, end)
        elif number >= 0x8000:
            raise Doubt
        else:
            unknown.append((number, data[at:end]))
        at = end
    if unknown:
        tags["unknown"] = tuple(unknown)
    return tags, at


def _skip_tags(data: bytes, at: int, stop: int, count: int, highest: int) -> int:
    last = 0
    for _ in range(count):
        number, length = _TAG.unpack_from(data, at)
        at += 6 + length
        if not last < number <= highest or at > stop:
            raise Doubt
        last = number
    return at


def _tagged(number: int, octets: bytes) -> bytes:
    return _TAG.pack(number, len(octets)) + octets


def _add_unknown(tags: list[bytes], unknown: tuple[tuple[int, bytes], ...], known: _Readers) -> None:
    for number, octets in unknown:
        if number in known or not 0 < number < 0x8000:
            raise Doubt
        tags.append(_tagged(number, bytes(octets)))
    numbers = [number for number, _ in unknown]
    if any(first >= second for first, second in zip(numbers, numbers[1:], strict=False)):
        raise Doubt
    # The octets of a tag begin with its number.
    tags.sort()
    if len(tags) > 0xFF:
        raise Doubt


# -- structs ----------------------------------------------------------------------------------------------------


def _read_version_range(data: bytes, at: int) -> tuple[VersionRange, int]:
    min_version, max_version = _VERSION_RANGE_0.unpack_from(data, at)
    at += 4
    if min_version < 1:
        raise Doubt
    if max_version < 1:
        raise Doubt
    value = VersionRange(min_version, max_version)
    if not (value.min_version <= value.max_version):
        raise Doubt
    return value, at


def _write_version_range(value: VersionRange) -> bytes:
    if not (value.min_version <= value.max_version):
        raise Doubt
    if value.min_version < 1:
        raise Doubt
    if value.max_version < 1:
        raise Doubt
    return _VERSION_RANGE_0.pack(value.min_version, value.max_version)


def _read_queue_weight(data: bytes, at: int) -> tuple[QueueWeight, int]:
    _length_of_queue, = _QUEUE_WEIGHT_0.unpack_from(data, at)
    at += 1
    _end = at + _length_of_queue
    queue = _name(data[at:_end])
    at = _end
    weight, = _QUEUE_WEIGHT_1.unpack_from(data, at)
    at += 2
    if weight < 1:
        raise Doubt
    value = QueueWeight(queue, weight)
    return value, at


def _write_queue_weight(value: QueueWeight) -> bytes:
    _octets_of_queue = _name_octets(value.queue)
    _length_of_queue = len(_octets_of_queue)
    if value.weight < 1:
        raise Doubt
    return _QUEUE_WEIGHT_0.pack(_length_of_queue) + _octets_of_queue + _QUEUE_WEIGHT_1.pack(value.weight)


def _read_type_support(data: bytes, at: int) -> tuple[TypeSupport, int]:
    _length_of_type, = _TYPE_SUPPORT_0.unpack_from(data, at)
    at += 1
    _end = at + _length_of_type
    type = _name(data[at:_end])
    at = _end
    cancel, max_attempts = _TYPE_SUPPORT_1.unpack_from(data, at)
    at += 3
    value = TypeSupport(type, cancel, max_attempts)
    return value, at


def _write_type_support(value: TypeSupport) -> bytes:
    _octets_of_type = _name_octets(value.type)
    _length_of_type = len(_octets_of_type)
    return _TYPE_SUPPORT_0.pack(_length_of_type) + _octets_of_type + _TYPE_SUPPORT_1.pack(value.cancel, value.max_attempts)


def _read_resource(data: bytes, at: int) -> tuple[Resource, int]:
    _length_of_name, = _RESOURCE_0.unpack_from(data, at)
    at += 1
    _end = at + _length_of_name
    name = _name(data[at:_end])
    at = _end
    amount, = _RESOURCE_1.unpack_from(data, at)
    at += 8
    value = Resource(name, amount)
    return value, at


def _write_resource(value: Resource) -> bytes:
    _octets_of_name = _name_octets(value.name)
    _length_of_name = len(_octets_of_name)
    return _RESOURCE_0.pack(_length_of_name) + _octets_of_name + _RESOURCE_1.pack(value.amount)


def _read_header(data: bytes, at: int) -> tuple[Header, int]:
    _length_of_name, = _HEADER_0.unpack_from(data, at)
    at += 1
    _end = at + _length_of_name
    name = _name(data[at:_end])
    at = _end
    _length_of_text, = _HEADER_1.unpack_from(data, at)
    at += 2
    _end = at + _length_of_text
    text = _text(data[at:_end], 0, 1024)
    at = _end
    value = Header(name, text)
    return value, at


def _write_header(value: Header) -> bytes:
    _octets_of_name = _name_octets(value.name)
    _length_of_name = len(_octets_of_name)
    _octets_of_text = _text_octets(value.text, 0, 1024)
    _length_of_text = len(_octets_of_text)
    return _HEADER_0.pack(_length_of_name) + _octets_of_name + _HEADER_1.pack(_length_of_text) + _octets_of_text


def _read_held_lease(data: bytes, at: int) -> tuple[HeldLease, int]:
    task_id, lease = _HELD_LEASE_0.unpack_from(data, at)
    at += 24
    if lease < 1:
        raise Doubt
    value = HeldLease(task_id, lease)
    return value, at


def _write_held_lease(value: HeldLease) -> bytes:
    if len(value.task_id) != 16:
        raise Doubt
    if value.lease < 1:
        raise Doubt
    return _HELD_LEASE_0.pack(value.task_id, value.lease)


def _read_retry_policy(data: bytes, at: int) -> tuple[RetryPolicy, int]:
    base, factor, cap, jitter = _RETRY_POLICY_0.unpack_from(data, at)
    at += 12
    if factor < 1000:
        raise Doubt
    if jitter > 1000:
        raise Doubt
    value = RetryPolicy(base, factor, cap, jitter)
    return value, at


def _write_retry_policy(value: RetryPolicy) -> bytes:
    if value.factor < 1000:
        raise Doubt
    if value.jitter > 1000:
        raise Doubt
    return _RETRY_POLICY_0.pack(value.base, value.factor, value.cap, value.jitter)


def _read_unique_key(data: bytes, at: int) -> tuple[UniqueKey, int]:
    _length_of_key, = _UNIQUE_KEY_0.unpack_from(data, at)
    at += 1
    _end = at + _length_of_key
    key = _name(data[at:_end])
    at = _end
    scope, until, hold = _UNIQUE_KEY_1.unpack_from(data, at)
    at += 6
    value = UniqueKey(key, scope, until, hold)
    return value, at


def _write_unique_key(value: UniqueKey) -> bytes:
    _octets_of_key = _name_octets(value.key)
    _length_of_key = len(_octets_of_key)
    return _UNIQUE_KEY_0.pack(_length_of_key) + _octets_of_key + _UNIQUE_KEY_1.pack(value.scope, value.until, value.hold)


def _read_group(data: bytes, at: int) -> tuple[Group, int]:
    callback, index = _GROUP_0.unpack_from(data, at)
    at += 18
    value = Group(callback, index)
    return value, at


def _write_group(value: Group) -> bytes:
    if len(value.callback) != 16:
        raise Doubt
    return _GROUP_0.pack(value.callback, value.index)


def _read_gather(data: bytes, at: int) -> tuple[Gather, int]:
    size, form = _GATHER_0.unpack_from(data, at)
    at += 3
    value = Gather(size, form)
    return value, at


def _write_gather(value: Gather) -> bytes:
    return _GATHER_0.pack(value.size, value.form)


def _read_member_result(data: bytes, at: int) -> tuple[MemberResult, int]:
    outcome, _length_of_report = _MEMBER_RESULT_0.unpack_from(data, at)
    at += 5
    _end = at + _length_of_report
    report = _octets(data[at:_end], 67108864)
    at = _end
    value = MemberResult(outcome, report)
    return value, at


def _write_member_result(value: MemberResult) -> bytes:
    _octets_of_report = _octets(bytes(value.report), 67108864)
    _length_of_report = len(_octets_of_report)
    return _MEMBER_RESULT_0.pack(value.outcome, _length_of_report) + _octets_of_report


def _read_gathered(data: bytes, at: int) -> tuple[Gathered, int]:
    form, _length_of_results = _GATHERED_0.unpack_from(data, at)
    at += 3
    if _length_of_results > 65535:
        raise Doubt
    _items_of_results = []
    for _ in range(_length_of_results):
        _item_of_results, at = _read_member_result(data, at)
        _items_of_results.append(_item_of_results)
    results = tuple(_items_of_results)
    value = Gathered(form, results)
    return value, at


def _write_gathered(value: Gathered) -> bytes:
    _octets_of_results = b"".join([_write_member_result(_item) for _item in value.results])
    _length_of_results = len(value.results)
    if _length_of_results > 65535:
        raise Doubt
    return _GATHERED_0.pack(value.form, _length_of_results) + _octets_of_results


def _read_concurrency_key(data: bytes, at: int) -> tuple[ConcurrencyKey, int]:
    _length_of_key, = _CONCURRENCY_KEY_0.unpack_from(data, at)
    at += 1
    _end = at + _length_of_key
    key = _name(data[at:_end])
    at = _end
    limit, = _CONCURRENCY_KEY_1.unpack_from(data, at)
    at += 2
    if limit < 1:
        raise Doubt
    value = ConcurrencyKey(key, limit)
    return value, at


def _write_concurrency_key(value: ConcurrencyKey) -> bytes:
    _octets_of_key = _name_octets(value.key)
    _length_of_key = len(_octets_of_key)
    if value.limit < 1:
        raise Doubt
    return _CONCURRENCY_KEY_0.pack(_length_of_key) + _octets_of_key + _CONCURRENCY_KEY_1.pack(value.limit)


def _read_rate_key(data: bytes, at: int) -> tuple[RateKey, int]:
    _length_of_key, = _RATE_KEY_0.unpack_from(data, at)
    at += 1
    _end = at + _length_of_key
    key = _name(data[at:_end])
    at = _end
    limit, period, burst = _RATE_KEY_1.unpack_from(data, at)
    at += 12
    if limit < 1:
        raise Doubt
    if period < 1:
        raise Doubt
    if burst < 1:
        raise Doubt
    value = RateKey(key, limit, period, burst)
    return value, at


def _write_rate_key(value: RateKey) -> bytes:
    _octets_of_key = _name_octets(value.key)
    _length_of_key = len(_octets_of_key)
    if value.limit < 1:
        raise Doubt
    if value.period < 1:
        raise Doubt
    if value.burst < 1:
        raise Doubt
    return _RATE_KEY_0.pack(_length_of_key) + _octets_of_key + _RATE_KEY_1.pack(value.limit, value.period, value.burst)


def _read_fairness_key(data: bytes, at: int) -> tuple[FairnessKey, int]:
    _length_of_key, = _FAIRNESS_KEY_0.unpack_from(data, at)
    at += 1
    _end = at + _length_of_key
    key = _name(data[at:_end])
    at = _end
    weight, = _FAIRNESS_KEY_1.unpack_from(data, at)
    at += 2
    if weight < 1:
        raise Doubt
    value = FairnessKey(key, weight)
    return value, at


def _write_fairness_key(value: FairnessKey) -> bytes:
    _octets_of_key = _name_octets(value.key)
    _length_of_key = len(_octets_of_key)
    if value.weight < 1:
        raise Doubt
    return _FAIRNESS_KEY_0.pack(_length_of_key) + _octets_of_key + _FAIRNESS_KEY_1.pack(value.weight)


def _read_attempt_record(data: bytes, at: int) -> tuple[AttemptRecord, int]:
    attempt, outcome, ended, _length_of_worker = _ATTEMPT_RECORD_0.unpack_from(data, at)
    at += 13
    _end = at + _length_of_worker
    worker = _text(data[at:_end], 0, 1024)
    at = _end
    _length_of_error, = _ATTEMPT_RECORD_1.unpack_from(data, at)
    at += 2
    _end = at + _length_of_error
    error = _text(data[at:_end], 0, 1024)
    at = _end
    value = AttemptRecord(attempt, outcome, ended, worker, error)
    return value, at


def _write_attempt_record(value: AttemptRecord) -> bytes:
    _octets_of_worker = _text_octets(value.worker, 0, 1024)
    _length_of_worker = len(_octets_of_worker)
    _octets_of_error = _text_octets(value.error, 0, 1024)
    _length_of_error = len(_octets_of_error)
    return _ATTEMPT_RECORD_0.pack(value.attempt, value.outcome, value.ended, _length_of_worker) + _octets_of_worker + _ATTEMPT_RECORD_1.pack(_length_of_error) + _octets_of_error


# -- tags -------------------------------------------------------------------------------------------------------


def _read_envelope__headers(data: bytes, at: int, stop: int) -> tuple[Header, ...]:
    value: tuple[Header, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 65535:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        _item_of_value, at = _read_header(data, at)
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_envelope__headers(value: tuple[Header, ...]) -> bytes:
    if len(value) > 65535:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_write_header(_item) for _item in value])


def _read_envelope__trace_context(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_envelope__trace_context(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_envelope__trace_state(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_envelope__trace_state(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


_ENVELOPE_TAGS: _Readers = {
    1: ("headers", _read_envelope__headers),
    2: ("trace_context", _read_envelope__trace_context),
    3: ("trace_state", _read_envelope__trace_state),
}


def _write_envelope__tags(value: Envelope) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.headers is not None:
        tags.append(_tagged(1, _write_envelope__headers(value.headers)))
    if value.trace_context is not None:
        tags.append(_tagged(2, _write_envelope__trace_context(value.trace_context)))
    if value.trace_state is not None:
        tags.append(_tagged(3, _write_envelope__trace_state(value.trace_state)))
    if value.unknown:
        _add_unknown(tags, value.unknown, _ENVELOPE_TAGS)
    return len(tags), b"".join(tags)


def _read_report__error_type(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_report__error_type(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_report__error_message(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 65535)


def _write_report__error_message(value: str) -> bytes:
    return _text_octets(value, 0, 65535)


def _read_report__traceback(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 65535)


def _write_report__traceback(value: str) -> bytes:
    return _text_octets(value, 0, 65535)


_REPORT_TAGS: _Readers = {
    1: ("error_type", _read_report__error_type),
    2: ("error_message", _read_report__error_message),
    3: ("traceback", _read_report__traceback),
}


def _write_report__tags(value: Report) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.error_type is not None:
        tags.append(_tagged(1, _write_report__error_type(value.error_type)))
    if value.error_message is not None:
        tags.append(_tagged(2, _write_report__error_message(value.error_message)))
    if value.traceback is not None:
        tags.append(_tagged(3, _write_report__traceback(value.traceback)))
    if value.unknown:
        _add_unknown(tags, value.unknown, _REPORT_TAGS)
    return len(tags), b"".join(tags)


def _read_task__cost(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_task__resources(data: bytes, at: int, stop: int) -> tuple[Resource, ...]:
    value: tuple[Resource, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 64:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        _item_of_value, at = _read_resource(data, at)
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_task__resources(value: tuple[Resource, ...]) -> bytes:
    if len(value) > 64:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_write_resource(_item) for _item in value])


def _read_task__gathered(data: bytes, at: int, stop: int) -> Gathered:
    value: Gathered
    value, at = _read_gathered(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_task__gathered(value: Gathered) -> bytes:
    return _write_gathered(value)


_TASK_TAGS: _Readers = {
    1: ("cost", _read_task__cost),
    2: ("resources", _read_task__resources),
    3: ("gathered", _read_task__gathered),
}


def _write_task__tags(value: Task) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.cost is not None:
        if value.cost < 1:
            raise Doubt
        tags.append(_TAG_H.pack(1, 2, value.cost))
    if value.resources is not None:
        tags.append(_tagged(2, _write_task__resources(value.resources)))
    if value.gathered is not None:
        tags.append(_tagged(3, _write_task__gathered(value.gathered)))
    if value.unknown:
        _add_unknown(tags, value.unknown, _TASK_TAGS)
    return len(tags), b"".join(tags)


def _read_result__no_retry(data: bytes, at: int, stop: int) -> bool:
    value: bool
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    value = _BOOLEANS[value]
    if at != stop:
        raise Doubt
    return value


def _read_result__retry_after(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if at != stop:
        raise Doubt
    return value


def _read_result__exit_status(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if at != stop:
        raise Doubt
    return value


def _read_result__attempt(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if at != stop:
        raise Doubt
    return value


_RESULT_TAGS: _Readers = {
    1: ("no_retry", _read_result__no_retry),
    2: ("retry_after", _read_result__retry_after),
    3: ("exit_status", _read_result__exit_status),
    4: ("attempt", _read_result__attempt),
}


def _write_result__tags(value: Result) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.no_retry is not None:
        if value.no_retry not in _BOOLEANS_WRITTEN:
            raise Doubt
        tags.append(_TAG_B.pack(1, 1, value.no_retry))
    if value.retry_after is not None:
        tags.append(_TAG_I.pack(2, 4, value.retry_after))
    if value.exit_status is not None:
        tags.append(_TAG_H.pack(3, 2, value.exit_status))
    if value.attempt is not None:
        tags.append(_TAG_H.pack(4, 2, value.attempt))
    if value.unknown:
        _add_unknown(tags, value.unknown, _RESULT_TAGS)
    return len(tags), b"".join(tags)


def _read_hello__versions(data: bytes, at: int, stop: int) -> VersionRange:
    value: VersionRange
    value, at = _read_version_range(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_hello__versions(value: VersionRange) -> bytes:
    return _write_version_range(value)


def _read_hello__role(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    if at != stop:
        raise Doubt
    return value


def _read_hello__version(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_hello__agent(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_hello__agent(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_hello__frame_limit(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 65536 or value > 67108864:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_hello__heartbeat(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 100 or value > 600000:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_hello__in_flight(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 1 or value > 1000000:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_hello__key_id(data: bytes, at: int, stop: int) -> str:
    value: str
    return _name(data[at:stop])


def _write_hello__key_id(value: str) -> bytes:
    return _name_octets(value)


def _read_hello__session(data: bytes, at: int, stop: int) -> bytes:
    value: bytes
    (value,) = _STRUCTS['>16s'].unpack_from(data, at)
    at += 16
    if at != stop:
        raise Doubt
    return value


def _read_hello__dedup_window(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_hello__proof(data: bytes, at: int, stop: int) -> bytes:
    value: bytes
    (value,) = _STRUCTS['>32s'].unpack_from(data, at)
    at += 32
    if at != stop:
        raise Doubt
    return value


def _read_hello__name(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_hello__name(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


_HELLO_TAGS: _Readers = {
    1: ("versions", _read_hello__versions),
    2: ("role", _read_hello__role),
    3: ("version", _read_hello__version),
    4: ("agent", _read_hello__agent),
    5: ("frame_limit", _read_hello__frame_limit),
    6: ("heartbeat", _read_hello__heartbeat),
    7: ("in_flight", _read_hello__in_flight),
    8: ("key_id", _read_hello__key_id),
    9: ("session", _read_hello__session),
    10: ("dedup_window", _read_hello__dedup_window),
    11: ("proof", _read_hello__proof),
    12: ("name", _read_hello__name),
}


def _write_hello__tags(value: Hello) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.versions is not None:
        tags.append(_tagged(1, _write_hello__versions(value.versions)))
    if value.role is not None:
        tags.append(_TAG_B.pack(2, 1, value.role))
    if value.version is not None:
        if value.version < 1:
            raise Doubt
        tags.append(_TAG_H.pack(3, 2, value.version))
    if value.agent is not None:
        tags.append(_tagged(4, _write_hello__agent(value.agent)))
    if value.frame_limit is not None:
        if value.frame_limit < 65536 or value.frame_limit > 67108864:
            raise Doubt
        tags.append(_TAG_I.pack(5, 4, value.frame_limit))
    if value.heartbeat is not None:
        if value.heartbeat < 100 or value.heartbeat > 600000:
            raise Doubt
        tags.append(_TAG_I.pack(6, 4, value.heartbeat))
    if value.in_flight is not None:
        if value.in_flight < 1 or value.in_flight > 1000000:
            raise Doubt
        tags.append(_TAG_I.pack(7, 4, value.in_flight))
    if value.key_id is not None:
        tags.append(_tagged(8, _write_hello__key_id(value.key_id)))
    if value.session is not None:
        if len(value.session) != 16:
            raise Doubt
        tags.append(_TAG_16s.pack(9, 16, value.session))
    if value.dedup_window is not None:
        tags.append(_TAG_Q.pack(10, 8, value.dedup_window))
    if value.proof is not None:
        if len(value.proof) != 32:
            raise Doubt
        tags.append(_TAG_32s.pack(11, 32, value.proof))
    if value.name is not None:
        tags.append(_tagged(12, _write_hello__name(value.name)))
    if value.unknown:
        _add_unknown(tags, value.unknown, _HELLO_TAGS)
    return len(tags), b"".join(tags)


def _read_error__task_id(data: bytes, at: int, stop: int) -> bytes:
    value: bytes
    (value,) = _STRUCTS['>16s'].unpack_from(data, at)
    at += 16
    if at != stop:
        raise Doubt
    return value


def _read_error__retry_after(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if at != stop:
        raise Doubt
    return value


def _read_error__address(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_error__address(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_error__existing_id(data: bytes, at: int, stop: int) -> bytes:
    value: bytes
    (value,) = _STRUCTS['>16s'].unpack_from(data, at)
    at += 16
    if at != stop:
        raise Doubt
    return value


def _read_error__field(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_error__field(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_error__offset(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if at != stop:
        raise Doubt
    return value


_ERROR_TAGS: _Readers = {
    1: ("task_id", _read_error__task_id),
    2: ("retry_after", _read_error__retry_after),
    3: ("address", _read_error__address),
    4: ("existing_id", _read_error__existing_id),
    5: ("field", _read_error__field),
    6: ("offset", _read_error__offset),
}


def _write_error__tags(value: Error) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.task_id is not None:
        if len(value.task_id) != 16:
            raise Doubt
        tags.append(_TAG_16s.pack(1, 16, value.task_id))
    if value.retry_after is not None:
        tags.append(_TAG_I.pack(2, 4, value.retry_after))
    if value.address is not None:
        tags.append(_tagged(3, _write_error__address(value.address)))
    if value.existing_id is not None:
        if len(value.existing_id) != 16:
            raise Doubt
        tags.append(_TAG_16s.pack(4, 16, value.existing_id))
    if value.field is not None:
        tags.append(_tagged(5, _write_error__field(value.field)))
    if value.offset is not None:
        tags.append(_TAG_I.pack(6, 4, value.offset))
    if value.unknown:
        _add_unknown(tags, value.unknown, _ERROR_TAGS)
    return len(tags), b"".join(tags)


def _read_auth__proof(data: bytes, at: int, stop: int) -> bytes:
    value: bytes
    (value,) = _STRUCTS['>32s'].unpack_from(data, at)
    at += 32
    if at != stop:
        raise Doubt
    return value


_AUTH_TAGS: _Readers = {
    1: ("proof", _read_auth__proof),
}


def _write_auth__tags(value: Auth) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.proof is not None:
        if len(value.proof) != 32:
            raise Doubt
        tags.append(_TAG_32s.pack(1, 32, value.proof))
    if value.unknown:
        _add_unknown(tags, value.unknown, _AUTH_TAGS)
    return len(tags), b"".join(tags)


def _read_goodbye__text(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_goodbye__text(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_goodbye__reconnect_after(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if at != stop:
        raise Doubt
    return value


_GOODBYE_TAGS: _Readers = {
    1: ("text", _read_goodbye__text),
    2: ("reconnect_after", _read_goodbye__reconnect_after),
}


def _write_goodbye__tags(value: Goodbye) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.text is not None:
        tags.append(_tagged(1, _write_goodbye__text(value.text)))
    if value.reconnect_after is not None:
        tags.append(_TAG_I.pack(2, 4, value.reconnect_after))
    if value.unknown:
        _add_unknown(tags, value.unknown, _GOODBYE_TAGS)
    return len(tags), b"".join(tags)


def _read_submit__delay(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_submit__not_before(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_submit__expires_in(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_submit__expires_at(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_submit__time_limit(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_submit__max_attempts(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_submit__retry(data: bytes, at: int, stop: int) -> RetryPolicy:
    value: RetryPolicy
    value, at = _read_retry_policy(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_submit__retry(value: RetryPolicy) -> bytes:
    return _write_retry_policy(value)


def _read_submit__unique(data: bytes, at: int, stop: int) -> UniqueKey:
    value: UniqueKey
    value, at = _read_unique_key(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_submit__unique(value: UniqueKey) -> bytes:
    return _write_unique_key(value)


def _read_submit__requires(data: bytes, at: int, stop: int) -> tuple[str, ...]:
    value: tuple[str, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 64:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        (_item_of_value_length,) = _U8.unpack_from(data, at)
        at += 1
        _end = at + _item_of_value_length
        _item_of_value = _name(data[at:_end])
        at = _end
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_submit__requires(value: tuple[str, ...]) -> bytes:
    if len(value) > 64:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_sized(_U8, _name_octets(_item)) for _item in value])


def _read_submit__after(data: bytes, at: int, stop: int) -> tuple[bytes, ...]:
    value: tuple[bytes, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 65535:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        (_item_of_value,) = _STRUCTS['>16s'].unpack_from(data, at)
        at += 16
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_submit__after(value: tuple[bytes, ...]) -> bytes:
    if len(value) > 65535:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_refuse() if len(_item) != 16 else _STRUCTS['>16s'].pack(_item) for _item in value])


def _read_submit__on_dependency_failure(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    if at != stop:
        raise Doubt
    return value


def _read_submit__group(data: bytes, at: int, stop: int) -> Group:
    value: Group
    value, at = _read_group(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_submit__group(value: Group) -> bytes:
    return _write_group(value)


def _read_submit__concurrency(data: bytes, at: int, stop: int) -> ConcurrencyKey:
    value: ConcurrencyKey
    value, at = _read_concurrency_key(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_submit__concurrency(value: ConcurrencyKey) -> bytes:
    return _write_concurrency_key(value)


def _read_submit__rate(data: bytes, at: int, stop: int) -> RateKey:
    value: RateKey
    value, at = _read_rate_key(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_submit__rate(value: RateKey) -> bytes:
    return _write_rate_key(value)


def _read_submit__fairness(data: bytes, at: int, stop: int) -> FairnessKey:
    value: FairnessKey
    value, at = _read_fairness_key(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_submit__fairness(value: FairnessKey) -> bytes:
    return _write_fairness_key(value)


def _read_submit__retention(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_submit__cost(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_submit__resources(data: bytes, at: int, stop: int) -> tuple[Resource, ...]:
    value: tuple[Resource, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 64:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        _item_of_value, at = _read_resource(data, at)
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_submit__resources(value: tuple[Resource, ...]) -> bytes:
    if len(value) > 64:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_write_resource(_item) for _item in value])


def _read_submit__note(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_submit__note(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_submit__gather(data: bytes, at: int, stop: int) -> Gather:
    value: Gather
    value, at = _read_gather(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_submit__gather(value: Gather) -> bytes:
    return _write_gather(value)


_SUBMIT_TAGS: _Readers = {
    1: ("delay", _read_submit__delay),
    2: ("not_before", _read_submit__not_before),
    3: ("expires_in", _read_submit__expires_in),
    4: ("expires_at", _read_submit__expires_at),
    5: ("time_limit", _read_submit__time_limit),
    6: ("max_attempts", _read_submit__max_attempts),
    7: ("retry", _read_submit__retry),
    8: ("unique", _read_submit__unique),
    9: ("requires", _read_submit__requires),
    10: ("after", _read_submit__after),
    11: ("on_dependency_failure", _read_submit__on_dependency_failure),
    12: ("group", _read_submit__group),
    13: ("concurrency", _read_submit__concurrency),
    14: ("rate", _read_submit__rate),
    15: ("fairness", _read_submit__fairness),
    16: ("retention", _read_submit__retention),
    17: ("cost", _read_submit__cost),
    18: ("resources", _read_submit__resources),
    19: ("note", _read_submit__note),
    20: ("gather", _read_submit__gather),
}


def _write_submit__tags(value: Submit) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.delay is not None:
        if value.delay < 1:
            raise Doubt
        tags.append(_TAG_I.pack(1, 4, value.delay))
    if value.not_before is not None:
        tags.append(_TAG_Q.pack(2, 8, value.not_before))
    if value.expires_in is not None:
        if value.expires_in < 1:
            raise Doubt
        tags.append(_TAG_I.pack(3, 4, value.expires_in))
    if value.expires_at is not None:
        tags.append(_TAG_Q.pack(4, 8, value.expires_at))
    if value.time_limit is not None:
        if value.time_limit < 1:
            raise Doubt
        tags.append(_TAG_I.pack(5, 4, value.time_limit))
    if value.max_attempts is not None:
        if value.max_attempts < 1:
            raise Doubt
        tags.append(_TAG_H.pack(6, 2, value.max_attempts))
    if value.retry is not None:
        tags.append(_tagged(7, _write_submit__retry(value.retry)))
    if value.unique is not None:
        tags.append(_tagged(8, _write_submit__unique(value.unique)))
    if value.requires is not None:
        tags.append(_tagged(9, _write_submit__requires(value.requires)))
    if value.after is not None:
        tags.append(_tagged(10, _write_submit__after(value.after)))
    if value.on_dependency_failure is not None:
        tags.append(_TAG_B.pack(11, 1, value.on_dependency_failure))
    if value.group is not None:
        tags.append(_tagged(12, _write_submit__group(value.group)))
    if value.concurrency is not None:
        tags.append(_tagged(13, _write_submit__concurrency(value.concurrency)))
    if value.rate is not None:
        tags.append(_tagged(14, _write_submit__rate(value.rate)))
    if value.fairness is not None:
        tags.append(_tagged(15, _write_submit__fairness(value.fairness)))
    if value.retention is not None:
        tags.append(_TAG_Q.pack(16, 8, value.retention))
    if value.cost is not None:
        if value.cost < 1:
            raise Doubt
        tags.append(_TAG_H.pack(17, 2, value.cost))
    if value.resources is not None:
        tags.append(_tagged(18, _write_submit__resources(value.resources)))
    if value.note is not None:
        tags.append(_tagged(19, _write_submit__note(value.note)))
    if value.gather is not None:
        tags.append(_tagged(20, _write_submit__gather(value.gather)))
    if value.unknown:
        _add_unknown(tags, value.unknown, _SUBMIT_TAGS)
    return len(tags), b"".join(tags)


_ACCEPTED_TAGS: _Readers = {
}


def _write_accepted__tags(value: Accepted) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.unknown:
        _add_unknown(tags, value.unknown, _ACCEPTED_TAGS)
    return len(tags), b"".join(tags)


def _read_subscribe__labels(data: bytes, at: int, stop: int) -> tuple[str, ...]:
    value: tuple[str, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 256:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        (_item_of_value_length,) = _U8.unpack_from(data, at)
        at += 1
        _end = at + _item_of_value_length
        _item_of_value = _name(data[at:_end])
        at = _end
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_subscribe__labels(value: tuple[str, ...]) -> bytes:
    if len(value) > 256:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_sized(_U8, _name_octets(_item)) for _item in value])


def _read_subscribe__resources(data: bytes, at: int, stop: int) -> tuple[Resource, ...]:
    value: tuple[Resource, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 256:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        _item_of_value, at = _read_resource(data, at)
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_subscribe__resources(value: tuple[Resource, ...]) -> bytes:
    if len(value) > 256:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_write_resource(_item) for _item in value])


_SUBSCRIBE_TAGS: _Readers = {
    1: ("labels", _read_subscribe__labels),
    2: ("resources", _read_subscribe__resources),
}


def _write_subscribe__tags(value: Subscribe) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.labels is not None:
        tags.append(_tagged(1, _write_subscribe__labels(value.labels)))
    if value.resources is not None:
        tags.append(_tagged(2, _write_subscribe__resources(value.resources)))
    if value.unknown:
        _add_unknown(tags, value.unknown, _SUBSCRIBE_TAGS)
    return len(tags), b"".join(tags)


def _read_credit__concurrency(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


_CREDIT_TAGS: _Readers = {
    1: ("concurrency", _read_credit__concurrency),
}


def _write_credit__tags(value: Credit) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.concurrency is not None:
        if value.concurrency < 1:
            raise Doubt
        tags.append(_TAG_I.pack(1, 4, value.concurrency))
    if value.unknown:
        _add_unknown(tags, value.unknown, _CREDIT_TAGS)
    return len(tags), b"".join(tags)


def _read_cancel__tree(data: bytes, at: int, stop: int) -> bool:
    value: bool
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    value = _BOOLEANS[value]
    if at != stop:
        raise Doubt
    return value


_CANCEL_TAGS: _Readers = {
    1: ("tree", _read_cancel__tree),
}


def _write_cancel__tags(value: Cancel) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.tree is not None:
        if value.tree not in _BOOLEANS_WRITTEN:
            raise Doubt
        tags.append(_TAG_B.pack(1, 1, value.tree))
    if value.unknown:
        _add_unknown(tags, value.unknown, _CANCEL_TAGS)
    return len(tags), b"".join(tags)


def _read_progress__text(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_progress__text(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


_PROGRESS_TAGS: _Readers = {
    1: ("text", _read_progress__text),
}


def _write_progress__tags(value: Progress) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.text is not None:
        tags.append(_tagged(1, _write_progress__text(value.text)))
    if value.unknown:
        _add_unknown(tags, value.unknown, _PROGRESS_TAGS)
    return len(tags), b"".join(tags)


_QUERY_TAGS: _Readers = {
}


def _write_query__tags(value: Query) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.unknown:
        _add_unknown(tags, value.unknown, _QUERY_TAGS)
    return len(tags), b"".join(tags)


def _read_status__detail(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_status__detail(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_status__priority(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    if at != stop:
        raise Doubt
    return value


def _read_status__submitted(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_status__started(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_status__ended(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_status__due(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_status__outcome(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    if at != stop:
        raise Doubt
    return value


def _read_status__worker(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_status__worker(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_status__error_type(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_status__error_type(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_status__error_message(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_status__error_message(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_status__max_attempts(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if at != stop:
        raise Doubt
    return value


def _read_status__ahead(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if at != stop:
        raise Doubt
    return value


def _read_status__history(data: bytes, at: int, stop: int) -> tuple[AttemptRecord, ...]:
    value: tuple[AttemptRecord, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 64:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        _item_of_value, at = _read_attempt_record(data, at)
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_status__history(value: tuple[AttemptRecord, ...]) -> bytes:
    if len(value) > 64:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_write_attempt_record(_item) for _item in value])


def _read_status__deliveries(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if at != stop:
        raise Doubt
    return value


_STATUS_TAGS: _Readers = {
    1: ("detail", _read_status__detail),
    2: ("priority", _read_status__priority),
    3: ("submitted", _read_status__submitted),
    4: ("started", _read_status__started),
    5: ("ended", _read_status__ended),
    6: ("due", _read_status__due),
    7: ("outcome", _read_status__outcome),
    8: ("worker", _read_status__worker),
    9: ("error_type", _read_status__error_type),
    10: ("error_message", _read_status__error_message),
    11: ("max_attempts", _read_status__max_attempts),
    12: ("ahead", _read_status__ahead),
    13: ("history", _read_status__history),
    14: ("deliveries", _read_status__deliveries),
}


def _write_status__tags(value: Status) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.detail is not None:
        tags.append(_tagged(1, _write_status__detail(value.detail)))
    if value.priority is not None:
        tags.append(_TAG_B.pack(2, 1, value.priority))
    if value.submitted is not None:
        tags.append(_TAG_Q.pack(3, 8, value.submitted))
    if value.started is not None:
        tags.append(_TAG_Q.pack(4, 8, value.started))
    if value.ended is not None:
        tags.append(_TAG_Q.pack(5, 8, value.ended))
    if value.due is not None:
        tags.append(_TAG_Q.pack(6, 8, value.due))
    if value.outcome is not None:
        tags.append(_TAG_B.pack(7, 1, value.outcome))
    if value.worker is not None:
        tags.append(_tagged(8, _write_status__worker(value.worker)))
    if value.error_type is not None:
        tags.append(_tagged(9, _write_status__error_type(value.error_type)))
    if value.error_message is not None:
        tags.append(_tagged(10, _write_status__error_message(value.error_message)))
    if value.max_attempts is not None:
        tags.append(_TAG_H.pack(11, 2, value.max_attempts))
    if value.ahead is not None:
        tags.append(_TAG_I.pack(12, 4, value.ahead))
    if value.history is not None:
        tags.append(_tagged(13, _write_status__history(value.history)))
    if value.deliveries is not None:
        tags.append(_TAG_H.pack(14, 2, value.deliveries))
    if value.unknown:
        _add_unknown(tags, value.unknown, _STATUS_TAGS)
    return len(tags), b"".join(tags)


def _read_await__progress(data: bytes, at: int, stop: int) -> bool:
    value: bool
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    value = _BOOLEANS[value]
    if at != stop:
        raise Doubt
    return value


_AWAIT_TAGS: _Readers = {
    1: ("progress", _read_await__progress),
}


def _write_await__tags(value: Await) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.progress is not None:
        if value.progress not in _BOOLEANS_WRITTEN:
            raise Doubt
        tags.append(_TAG_B.pack(1, 1, value.progress))
    if value.unknown:
        _add_unknown(tags, value.unknown, _AWAIT_TAGS)
    return len(tags), b"".join(tags)


def _read_schedule__delay(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_schedule__not_before(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_schedule__expires_in(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_schedule__expires_at(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_schedule__time_limit(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_schedule__max_attempts(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_schedule__retry(data: bytes, at: int, stop: int) -> RetryPolicy:
    value: RetryPolicy
    value, at = _read_retry_policy(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__retry(value: RetryPolicy) -> bytes:
    return _write_retry_policy(value)


def _read_schedule__unique(data: bytes, at: int, stop: int) -> UniqueKey:
    value: UniqueKey
    value, at = _read_unique_key(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__unique(value: UniqueKey) -> bytes:
    return _write_unique_key(value)


def _read_schedule__requires(data: bytes, at: int, stop: int) -> tuple[str, ...]:
    value: tuple[str, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 64:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        (_item_of_value_length,) = _U8.unpack_from(data, at)
        at += 1
        _end = at + _item_of_value_length
        _item_of_value = _name(data[at:_end])
        at = _end
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__requires(value: tuple[str, ...]) -> bytes:
    if len(value) > 64:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_sized(_U8, _name_octets(_item)) for _item in value])


def _read_schedule__after(data: bytes, at: int, stop: int) -> tuple[bytes, ...]:
    value: tuple[bytes, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 65535:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        (_item_of_value,) = _STRUCTS['>16s'].unpack_from(data, at)
        at += 16
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__after(value: tuple[bytes, ...]) -> bytes:
    if len(value) > 65535:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_refuse() if len(_item) != 16 else _STRUCTS['>16s'].pack(_item) for _item in value])


def _read_schedule__on_dependency_failure(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    if at != stop:
        raise Doubt
    return value


def _read_schedule__group(data: bytes, at: int, stop: int) -> Group:
    value: Group
    value, at = _read_group(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__group(value: Group) -> bytes:
    return _write_group(value)


def _read_schedule__concurrency(data: bytes, at: int, stop: int) -> ConcurrencyKey:
    value: ConcurrencyKey
    value, at = _read_concurrency_key(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__concurrency(value: ConcurrencyKey) -> bytes:
    return _write_concurrency_key(value)


def _read_schedule__rate(data: bytes, at: int, stop: int) -> RateKey:
    value: RateKey
    value, at = _read_rate_key(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__rate(value: RateKey) -> bytes:
    return _write_rate_key(value)


def _read_schedule__fairness(data: bytes, at: int, stop: int) -> FairnessKey:
    value: FairnessKey
    value, at = _read_fairness_key(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__fairness(value: FairnessKey) -> bytes:
    return _write_fairness_key(value)


def _read_schedule__retention(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>Q'].unpack_from(data, at)
    at += 8
    if at != stop:
        raise Doubt
    return value


def _read_schedule__cost(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>H'].unpack_from(data, at)
    at += 2
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_schedule__resources(data: bytes, at: int, stop: int) -> tuple[Resource, ...]:
    value: tuple[Resource, ...]
    (_count,) = _U16.unpack_from(data, at)
    at += 2
    if _count > 64:
        raise Doubt
    _items_of_value = []
    for _ in range(_count):
        _item_of_value, at = _read_resource(data, at)
        _items_of_value.append(_item_of_value)
    value = tuple(_items_of_value)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__resources(value: tuple[Resource, ...]) -> bytes:
    if len(value) > 64:
        raise Doubt
    return _U16.pack(len(value)) + b"".join([_write_resource(_item) for _item in value])


def _read_schedule__note(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_schedule__note(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_schedule__gather(data: bytes, at: int, stop: int) -> Gather:
    value: Gather
    value, at = _read_gather(data, at)
    if at != stop:
        raise Doubt
    return value


def _write_schedule__gather(value: Gather) -> bytes:
    return _write_gather(value)


def _read_schedule__cron(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_schedule__cron(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


def _read_schedule__every(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if value < 1:
        raise Doubt
    if at != stop:
        raise Doubt
    return value


def _read_schedule__zone(data: bytes, at: int, stop: int) -> str:
    value: str
    return _name(data[at:stop])


def _write_schedule__zone(value: str) -> bytes:
    return _name_octets(value)


def _read_schedule__overlap(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    if at != stop:
        raise Doubt
    return value


def _read_schedule__catch_up(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>B'].unpack_from(data, at)
    at += 1
    if at != stop:
        raise Doubt
    return value


def _read_schedule__spread(data: bytes, at: int, stop: int) -> int:
    value: int
    (value,) = _STRUCTS['>I'].unpack_from(data, at)
    at += 4
    if at != stop:
        raise Doubt
    return value


def _read_schedule__envelope(data: bytes, at: int, stop: int) -> bytes:
    value: bytes
    _check_envelope(data, at, stop)
    return data[at:stop]


def _write_schedule__envelope(value: bytes) -> bytes:
    return bytes(value)


_SCHEDULE_TAGS: _Readers = {
    1: ("delay", _read_schedule__delay),
    2: ("not_before", _read_schedule__not_before),
    3: ("expires_in", _read_schedule__expires_in),
    4: ("expires_at", _read_schedule__expires_at),
    5: ("time_limit", _read_schedule__time_limit),
    6: ("max_attempts", _read_schedule__max_attempts),
    7: ("retry", _read_schedule__retry),
    8: ("unique", _read_schedule__unique),
    9: ("requires", _read_schedule__requires),
    10: ("after", _read_schedule__after),
    11: ("on_dependency_failure", _read_schedule__on_dependency_failure),
    12: ("group", _read_schedule__group),
    13: ("concurrency", _read_schedule__concurrency),
    14: ("rate", _read_schedule__rate),
    15: ("fairness", _read_schedule__fairness),
    16: ("retention", _read_schedule__retention),
    17: ("cost", _read_schedule__cost),
    18: ("resources", _read_schedule__resources),
    19: ("note", _read_schedule__note),
    20: ("gather", _read_schedule__gather),
    64: ("cron", _read_schedule__cron),
    65: ("every", _read_schedule__every),
    66: ("zone", _read_schedule__zone),
    67: ("overlap", _read_schedule__overlap),
    68: ("catch_up", _read_schedule__catch_up),
    69: ("spread", _read_schedule__spread),
    70: ("envelope", _read_schedule__envelope),
}


def _write_schedule__tags(value: Schedule) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.delay is not None:
        if value.delay < 1:
            raise Doubt
        tags.append(_TAG_I.pack(1, 4, value.delay))
    if value.not_before is not None:
        tags.append(_TAG_Q.pack(2, 8, value.not_before))
    if value.expires_in is not None:
        if value.expires_in < 1:
            raise Doubt
        tags.append(_TAG_I.pack(3, 4, value.expires_in))
    if value.expires_at is not None:
        tags.append(_TAG_Q.pack(4, 8, value.expires_at))
    if value.time_limit is not None:
        if value.time_limit < 1:
            raise Doubt
        tags.append(_TAG_I.pack(5, 4, value.time_limit))
    if value.max_attempts is not None:
        if value.max_attempts < 1:
            raise Doubt
        tags.append(_TAG_H.pack(6, 2, value.max_attempts))
    if value.retry is not None:
        tags.append(_tagged(7, _write_schedule__retry(value.retry)))
    if value.unique is not None:
        tags.append(_tagged(8, _write_schedule__unique(value.unique)))
    if value.requires is not None:
        tags.append(_tagged(9, _write_schedule__requires(value.requires)))
    if value.after is not None:
        tags.append(_tagged(10, _write_schedule__after(value.after)))
    if value.on_dependency_failure is not None:
        tags.append(_TAG_B.pack(11, 1, value.on_dependency_failure))
    if value.group is not None:
        tags.append(_tagged(12, _write_schedule__group(value.group)))
    if value.concurrency is not None:
        tags.append(_tagged(13, _write_schedule__concurrency(value.concurrency)))
    if value.rate is not None:
        tags.append(_tagged(14, _write_schedule__rate(value.rate)))
    if value.fairness is not None:
        tags.append(_tagged(15, _write_schedule__fairness(value.fairness)))
    if value.retention is not None:
        tags.append(_TAG_Q.pack(16, 8, value.retention))
    if value.cost is not None:
        if value.cost < 1:
            raise Doubt
        tags.append(_TAG_H.pack(17, 2, value.cost))
    if value.resources is not None:
        tags.append(_tagged(18, _write_schedule__resources(value.resources)))
    if value.note is not None:
        tags.append(_tagged(19, _write_schedule__note(value.note)))
    if value.gather is not None:
        tags.append(_tagged(20, _write_schedule__gather(value.gather)))
    if value.cron is not None:
        tags.append(_tagged(64, _write_schedule__cron(value.cron)))
    if value.every is not None:
        if value.every < 1:
            raise Doubt
        tags.append(_TAG_I.pack(65, 4, value.every))
    if value.zone is not None:
        tags.append(_tagged(66, _write_schedule__zone(value.zone)))
    if value.overlap is not None:
        tags.append(_TAG_B.pack(67, 1, value.overlap))
    if value.catch_up is not None:
        tags.append(_TAG_B.pack(68, 1, value.catch_up))
    if value.spread is not None:
        tags.append(_TAG_I.pack(69, 4, value.spread))
    if value.envelope is not None:
        tags.append(_tagged(70, _write_schedule__envelope(value.envelope)))
    if value.unknown:
        _add_unknown(tags, value.unknown, _SCHEDULE_TAGS)
    return len(tags), b"".join(tags)


_RETRACT_TAGS: _Readers = {
}


def _write_retract__tags(value: Retract) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.unknown:
        _add_unknown(tags, value.unknown, _RETRACT_TAGS)
    return len(tags), b"".join(tags)


def _read_return__text(data: bytes, at: int, stop: int) -> str:
    value: str
    return _text(data[at:stop], 0, 1024)


def _write_return__text(value: str) -> bytes:
    return _text_octets(value, 0, 1024)


_RETURN_TAGS: _Readers = {
    1: ("text", _read_return__text),
}


def _write_return__tags(value: Return) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.text is not None:
        tags.append(_tagged(1, _write_return__text(value.text)))
    if value.unknown:
        _add_unknown(tags, value.unknown, _RETURN_TAGS)
    return len(tags), b"".join(tags)


_RESUME_TAGS: _Readers = {
}


def _write_resume__tags(value: Resume) -> tuple[int, bytes]:
    tags: list[bytes] = []
    if value.unknown:
        _add_unknown(tags, value.unknown, _RESUME_TAGS)
    return len(tags), b"".join(tags)


# -- relayed structs --------------------------------------------------------------------------------------------


def _check_envelope(data: bytes, at: int, stop: int) -> None:
    """Its fields and the structure of the rest: what who relays it looks at."""
    _end = at
    _end += 1 + data[_end]
    _end += 1 + data[_end]
    if data[at:_end] not in _ENVELOPE_HEADS:
        _new_head(data[at:_end], 2, _ENVELOPE_HEADS)
    at = _end
    encoding, _count, _length = _ENVELOPE_TAIL.unpack_from(data, at)
    at += 6
    if _count:
        at = _skip_tags(data, at - 4, stop, _count, 0xFFFF) + 4
        (_length,) = _U32.unpack_from(data, at - 4)
    if at + _length != stop or _length > 67108864:
        raise Doubt


def decode_envelope(data: bytes) -> Envelope:
    """A relayed Envelope, from its octets. Raises WireError."""
    try:
        at = 0
        stop = len(data)
        _end = at
        _end += 1 + data[_end]
        _end += 1 + data[_end]
        type, queue = _ENVELOPE_HEADS.get(data[at:_end]) or _new_head(data[at:_end], 2, _ENVELOPE_HEADS)
        at = _end
        encoding, _count, _length = _ENVELOPE_TAIL.unpack_from(data, at)
        at += 6
        if _count:
            _tags, at = _parse_tags(data, at - 4, stop, _count, _ENVELOPE_TAGS)
            (_length,) = _U32.unpack_from(data, at)
            if at + 4 + _length != stop or _length > 67108864:
                raise Doubt
            return Envelope(type, queue, encoding, data[at + 4 :], **_tags)
        if at + _length != stop or _length > 67108864:
            raise Doubt
        return Envelope(type, queue, encoding, data[at:])
    except _DOUBTS:
        return _reference("decode_envelope", Envelope, data)


def encode_envelope(value: Envelope) -> bytes:
    """The octets of an Envelope. Raises WireError."""
    try:
        _count, _tags = _write_envelope__tags(value)
        _body = bytes(value.body)
        if len(_body) > 67108864:
            raise Doubt
        _octets_of_type = _name_octets(value.type)
        _length_of_type = len(_octets_of_type)
        _octets_of_queue = _name_octets(value.queue)
        _length_of_queue = len(_octets_of_queue)
        return _ENVELOPE_0.pack(_length_of_type) + _octets_of_type + _ENVELOPE_1.pack(_length_of_queue) + _octets_of_queue + _ENVELOPE_2.pack(value.encoding, _count) + _tags + _U32.pack(len(_body)) + _body
    except _DOUBTS:
        return _reference("encode_envelope", bytes, value)


def _check_report(data: bytes, at: int, stop: int) -> None:
    """Its fields and the structure of the rest: what who relays it looks at."""
    encoding, _count, _length = _REPORT_TAIL.unpack_from(data, at)
    at += 6
    if _count:
        at = _skip_tags(data, at - 4, stop, _count, 0x7FFF) + 4
        (_length,) = _U32.unpack_from(data, at - 4)
    if at + _length != stop or _length > 67108864:
        raise Doubt


def decode_report(data: bytes) -> Report:
    """A relayed Report, from its octets. Raises WireError."""
    try:
        at = 0
        stop = len(data)
        encoding, _count, _length = _REPORT_TAIL.unpack_from(data, at)
        at += 6
        if _count:
            _tags, at = _parse_tags(data, at - 4, stop, _count, _REPORT_TAGS)
            (_length,) = _U32.unpack_from(data, at)
            if at + 4 + _length != stop or _length > 67108864:
                raise Doubt
            return Report(encoding, data[at + 4 :], **_tags)
        if at + _length != stop or _length > 67108864:
            raise Doubt
        return Report(encoding, data[at:])
    except _DOUBTS:
        return _reference("decode_report", Report, data)


def encode_report(value: Report) -> bytes:
    """The octets of a Report. Raises WireError."""
    try:
        _count, _tags = _write_report__tags(value)
        _body = bytes(value.body)
        if len(_body) > 67108864:
            raise Doubt
        return _REPORT_0.pack(value.encoding, _count) + _tags + _U32.pack(len(_body)) + _body
    except _DOUBTS:
        return _reference("encode_report", bytes, value)


# -- messages ---------------------------------------------------------------------------------------------------


def decode_task(data: bytes, at: int, stop: int) -> Task:
    """A Task, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        task_id, lease, attempt, time_limit, remaining, _count = _TASK_0.unpack_from(data, at)
        at += 35
        if lease < 1:
            raise Doubt
        if attempt < 1:
            raise Doubt
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _TASK_TAGS)
            _check_envelope(data, at, stop)
            return Task(task_id, lease, attempt, time_limit, remaining, data[at:stop], **_tags)
        _relayed = at
        _end = at
        _end += 1 + data[_end]
        _end += 1 + data[_end]
        if data[at:_end] not in _ENVELOPE_HEADS:
            _new_head(data[at:_end], 2, _ENVELOPE_HEADS)
        at = _end
        encoding, _count, _length = _ENVELOPE_TAIL.unpack_from(data, at)
        at += 6
        if _count:
            at = _skip_tags(data, at - 4, stop, _count, 0xFFFF) + 4
            (_length,) = _U32.unpack_from(data, at - 4)
        if at + _length != stop or _length > 67108864:
            raise Doubt
        return Task(task_id, lease, attempt, time_limit, remaining, data[_relayed:stop])
    except _DOUBTS:
        return _reference("decode_task", Task, data, start, stop)


def encode_task(value: Task) -> bytes:
    """The frame of a Task. Raises WireError."""
    try:
        _count, _tags = _write_task__tags(value)
        _relay = bytes(value.envelope)
        if len(value.task_id) != 16:
            raise Doubt
        if value.lease < 1:
            raise Doubt
        if value.attempt < 1:
            raise Doubt
        return _TASK_0_FRAMED.pack(1, 35 + len(_tags) + len(_relay), value.task_id, value.lease, value.attempt, value.time_limit, value.remaining, _count) + _tags + _relay
    except _DOUBTS:
        return _reference("encode_task", bytes, value)


def frame_task(task_id: bytes, lease: int, attempt: int, time_limit: int, remaining: int, envelope: bytes) -> bytes:
    """The frame of a Task without tags, from its fields. Raises WireError."""
    try:
        if len(task_id) != 16:
            raise Doubt
        if lease < 1:
            raise Doubt
        if attempt < 1:
            raise Doubt
        return _TASK_0_FRAMED.pack(1, 35 + len(envelope), task_id, lease, attempt, time_limit, remaining, 0) + envelope
    except _DOUBTS:
        return encode_task(Task(task_id, lease, attempt, time_limit, remaining, envelope))


def decode_result(data: bytes, at: int, stop: int) -> Result:
    """A Result, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        seq, task_id, lease, outcome, _count, _, _inner, _length = _RESULT_WHOLE.unpack_from(data, at)
        if not _count and not _inner:
            if seq < 1:
                raise Doubt
            if at + 40 + _length != stop or _length > 67108864:
                raise Doubt
            return Result(seq, task_id, lease, outcome, data[at + 34 : stop])
        seq, task_id, lease, outcome, _count = _RESULT_0.unpack_from(data, at)
        at += 34
        if seq < 1:
            raise Doubt
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _RESULT_TAGS)
            _check_report(data, at, stop)
            return Result(seq, task_id, lease, outcome, data[at:stop], **_tags)
        _relayed = at
        encoding, _count, _length = _REPORT_TAIL.unpack_from(data, at)
        at += 6
        if _count:
            at = _skip_tags(data, at - 4, stop, _count, 0x7FFF) + 4
            (_length,) = _U32.unpack_from(data, at - 4)
        if at + _length != stop or _length > 67108864:
            raise Doubt
        return Result(seq, task_id, lease, outcome, data[_relayed:stop])
    except _DOUBTS:
        return _reference("decode_result", Result, data, start, stop)


def encode_result(value: Result) -> bytes:
    """The frame of a Result. Raises WireError."""
    try:
        _count, _tags = _write_result__tags(value)
        _relay = bytes(value.report)
        if value.seq < 1:
            raise Doubt
        if len(value.task_id) != 16:
            raise Doubt
        return _RESULT_0_FRAMED.pack(2, 34 + len(_tags) + len(_relay), value.seq, value.task_id, value.lease, value.outcome, _count) + _tags + _relay
    except _DOUBTS:
        return _reference("encode_result", bytes, value)


def frame_result(seq: int, task_id: bytes, lease: int, outcome: int, report: bytes) -> bytes:
    """The frame of a Result without tags, from its fields. Raises WireError."""
    try:
        if seq < 1:
            raise Doubt
        if len(task_id) != 16:
            raise Doubt
        return _RESULT_0_FRAMED.pack(2, 34 + len(report), seq, task_id, lease, outcome, 0) + report
    except _DOUBTS:
        return encode_result(Result(seq, task_id, lease, outcome, report))


def _hello_rules(value: Hello, tag_count: int) -> bool:
    return not (
        ((value.kind == 1) and not ((value.versions is not None) and (value.role is not None)))  # R-HEL-001
        or ((value.kind == 2) and not (value.version is not None))  # R-HEL-002
        or (((value.kind == 3) or (value.kind == 4)) and not (tag_count == 0))  # R-HEL-003
    )


def decode_hello(data: bytes, at: int, stop: int) -> Hello:
    """A Hello, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        kind, nonce, _count = _HELLO_0.unpack_from(data, at)
        at += 10
        kind = _HELLO_KIND__MEMBERS[kind]
        _tags, at = _parse_tags(data, at, stop, _count, _HELLO_TAGS) if _count else ({}, at)
        value = Hello(kind, nonce, **_tags)
        if at != stop or not _hello_rules(value, _count):
            raise Doubt
        return value
    except _DOUBTS:
        return _reference("decode_hello", Hello, data, start, stop)


def encode_hello(value: Hello) -> bytes:
    """The frame of a Hello. Raises WireError."""
    try:
        _count, _tags = _write_hello__tags(value)
        if value.kind not in _HELLO_KIND__MEMBERS:
            raise Doubt
        if not _hello_rules(value, _count):
            raise Doubt
        return _HELLO_0_FRAMED.pack(3, 10 + len(_tags), value.kind, value.nonce, _count) + _tags
    except _DOUBTS:
        return _reference("encode_hello", bytes, value)


def decode_error(data: bytes, at: int, stop: int) -> Error:
    """An Error, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        code, scope, retry, command, seq, _length_of_text = _ERROR_0.unpack_from(data, at)
        at += 15
        _end = at + _length_of_text
        text = _text(data[at:_end], 0, 1024)
        at = _end
        _count, = _ERROR_1.unpack_from(data, at)
        at += 1
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _ERROR_TAGS)
            if at != stop:
                raise Doubt
            return Error(code, scope, retry, command, seq, text, **_tags)
        if at != stop:
            raise Doubt
        return Error(code, scope, retry, command, seq, text)
    except _DOUBTS:
        return _reference("decode_error", Error, data, start, stop)


def encode_error(value: Error) -> bytes:
    """The frame of an Error. Raises WireError."""
    try:
        _count, _tags = _write_error__tags(value)
        _octets_of_text = _text_octets(value.text, 0, 1024)
        _length_of_text = len(_octets_of_text)
        return _ERROR_0_FRAMED.pack(4, 16 + len(_octets_of_text) + len(_tags), value.code, value.scope, value.retry, value.command, value.seq, _length_of_text) + _octets_of_text + _ERROR_1.pack(_count) + _tags
    except _DOUBTS:
        return _reference("encode_error", bytes, value)


def _auth_rules(value: Auth, tag_count: int) -> bool:
    return not (
        ((value.kind == 2) and not (value.proof is not None))  # R-AUT-001
        or ((value.kind == 1) and not (not (value.proof is not None)))  # R-AUT-002
    )


def decode_auth(data: bytes, at: int, stop: int) -> Auth:
    """An Auth, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        kind, nonce, _count = _AUTH_0.unpack_from(data, at)
        at += 34
        kind = _AUTH_KIND__MEMBERS[kind]
        _tags, at = _parse_tags(data, at, stop, _count, _AUTH_TAGS) if _count else ({}, at)
        value = Auth(kind, nonce, **_tags)
        if at != stop or not _auth_rules(value, _count):
            raise Doubt
        return value
    except _DOUBTS:
        return _reference("decode_auth", Auth, data, start, stop)


def encode_auth(value: Auth) -> bytes:
    """The frame of an Auth. Raises WireError."""
    try:
        _count, _tags = _write_auth__tags(value)
        if value.kind not in _AUTH_KIND__MEMBERS:
            raise Doubt
        if len(value.nonce) != 32:
            raise Doubt
        if not _auth_rules(value, _count):
            raise Doubt
        return _AUTH_0_FRAMED.pack(5, 34 + len(_tags), value.kind, value.nonce, _count) + _tags
    except _DOUBTS:
        return _reference("encode_auth", bytes, value)


def decode_goodbye(data: bytes, at: int, stop: int) -> Goodbye:
    """A Goodbye, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        reason, _count = _GOODBYE_0.unpack_from(data, at)
        at += 2
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _GOODBYE_TAGS)
            if at != stop:
                raise Doubt
            return Goodbye(reason, **_tags)
        if at != stop:
            raise Doubt
        return Goodbye(reason)
    except _DOUBTS:
        return _reference("decode_goodbye", Goodbye, data, start, stop)


def encode_goodbye(value: Goodbye) -> bytes:
    """The frame of a Goodbye. Raises WireError."""
    try:
        _count, _tags = _write_goodbye__tags(value)
        return _GOODBYE_0_FRAMED.pack(6, 2 + len(_tags), value.reason, _count) + _tags
    except _DOUBTS:
        return _reference("encode_goodbye", bytes, value)


def decode_submit(data: bytes, at: int, stop: int) -> Submit:
    """A Submit, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        seq, task_id, flags, priority, _count = _SUBMIT_0.unpack_from(data, at)
        at += 28
        if seq < 1:
            raise Doubt
        if flags & ~0x7:
            raise Doubt
        if priority > 9:
            raise Doubt
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _SUBMIT_TAGS)
            _check_envelope(data, at, stop)
            return Submit(seq, task_id, flags, priority, data[at:stop], **_tags)
        _relayed = at
        _end = at
        _end += 1 + data[_end]
        _end += 1 + data[_end]
        if data[at:_end] not in _ENVELOPE_HEADS:
            _new_head(data[at:_end], 2, _ENVELOPE_HEADS)
        at = _end
        encoding, _count, _length = _ENVELOPE_TAIL.unpack_from(data, at)
        at += 6
        if _count:
            at = _skip_tags(data, at - 4, stop, _count, 0xFFFF) + 4
            (_length,) = _U32.unpack_from(data, at - 4)
        if at + _length != stop or _length > 67108864:
            raise Doubt
        return Submit(seq, task_id, flags, priority, data[_relayed:stop])
    except _DOUBTS:
        return _reference("decode_submit", Submit, data, start, stop)


def encode_submit(value: Submit) -> bytes:
    """The frame of a Submit. Raises WireError."""
    try:
        _count, _tags = _write_submit__tags(value)
        _relay = bytes(value.envelope)
        if value.seq < 1:
            raise Doubt
        if len(value.task_id) != 16:
            raise Doubt
        if value.flags & ~0x7:
            raise Doubt
        if value.priority > 9:
            raise Doubt
        return _SUBMIT_0_FRAMED.pack(7, 28 + len(_tags) + len(_relay), value.seq, value.task_id, value.flags, value.priority, _count) + _tags + _relay
    except _DOUBTS:
        return _reference("encode_submit", bytes, value)


def frame_submit(seq: int, task_id: bytes, flags: int, priority: int, envelope: bytes) -> bytes:
    """The frame of a Submit without tags, from its fields. Raises WireError."""
    try:
        if seq < 1:
            raise Doubt
        if len(task_id) != 16:
            raise Doubt
        if flags & ~0x7:
            raise Doubt
        if priority > 9:
            raise Doubt
        return _SUBMIT_0_FRAMED.pack(7, 28 + len(envelope), seq, task_id, flags, priority, 0) + envelope
    except _DOUBTS:
        return encode_submit(Submit(seq, task_id, flags, priority, envelope))


def decode_accepted(data: bytes, at: int, stop: int) -> Accepted:
    """An Accepted, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        seq, _count = _ACCEPTED_0.unpack_from(data, at)
        at += 9
        if seq < 1:
            raise Doubt
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _ACCEPTED_TAGS)
            if at != stop:
                raise Doubt
            return Accepted(seq, **_tags)
        if at != stop:
            raise Doubt
        return Accepted(seq)
    except _DOUBTS:
        return _reference("decode_accepted", Accepted, data, start, stop)


def encode_accepted(value: Accepted) -> bytes:
    """The frame of an Accepted. Raises WireError."""
    try:
        _count, _tags = _write_accepted__tags(value)
        if value.seq < 1:
            raise Doubt
        return _ACCEPTED_0_FRAMED.pack(8, 9 + len(_tags), value.seq, _count) + _tags
    except _DOUBTS:
        return _reference("encode_accepted", bytes, value)


def decode_subscribe(data: bytes, at: int, stop: int) -> Subscribe:
    """A Subscribe, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        _length_of_queues, = _SUBSCRIBE_0.unpack_from(data, at)
        at += 2
        if _length_of_queues > 1024:
            raise Doubt
        _items_of_queues = []
        for _ in range(_length_of_queues):
            _item_of_queues, at = _read_queue_weight(data, at)
            _items_of_queues.append(_item_of_queues)
        queues = tuple(_items_of_queues)
        _length_of_types, = _SUBSCRIBE_1.unpack_from(data, at)
        at += 2
        if _length_of_types > 4096:
            raise Doubt
        _items_of_types = []
        for _ in range(_length_of_types):
            _item_of_types, at = _read_type_support(data, at)
            _items_of_types.append(_item_of_types)
        types = tuple(_items_of_types)
        _count, = _SUBSCRIBE_2.unpack_from(data, at)
        at += 1
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _SUBSCRIBE_TAGS)
            if at != stop:
                raise Doubt
            return Subscribe(queues, types, **_tags)
        if at != stop:
            raise Doubt
        return Subscribe(queues, types)
    except _DOUBTS:
        return _reference("decode_subscribe", Subscribe, data, start, stop)


def encode_subscribe(value: Subscribe) -> bytes:
    """The frame of a Subscribe. Raises WireError."""
    try:
        _count, _tags = _write_subscribe__tags(value)
        _octets_of_queues = b"".join([_write_queue_weight(_item) for _item in value.queues])
        _length_of_queues = len(value.queues)
        if _length_of_queues > 1024:
            raise Doubt
        _octets_of_types = b"".join([_write_type_support(_item) for _item in value.types])
        _length_of_types = len(value.types)
        if _length_of_types > 4096:
            raise Doubt
        return _SUBSCRIBE_0_FRAMED.pack(9, 5 + len(_octets_of_queues) + len(_octets_of_types) + len(_tags), _length_of_queues) + _octets_of_queues + _SUBSCRIBE_1.pack(_length_of_types) + _octets_of_types + _SUBSCRIBE_2.pack(_count) + _tags
    except _DOUBTS:
        return _reference("encode_subscribe", bytes, value)


def decode_credit(data: bytes, at: int, stop: int) -> Credit:
    """A Credit, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        slots, octets, begun, _count = _CREDIT_0.unpack_from(data, at)
        at += 21
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _CREDIT_TAGS)
            if at != stop:
                raise Doubt
            return Credit(slots, octets, begun, **_tags)
        if at != stop:
            raise Doubt
        return Credit(slots, octets, begun)
    except _DOUBTS:
        return _reference("decode_credit", Credit, data, start, stop)


def encode_credit(value: Credit) -> bytes:
    """The frame of a Credit. Raises WireError."""
    try:
        _count, _tags = _write_credit__tags(value)
        return _CREDIT_0_FRAMED.pack(10, 21 + len(_tags), value.slots, value.octets, value.begun, _count) + _tags
    except _DOUBTS:
        return _reference("encode_credit", bytes, value)


def decode_cancel(data: bytes, at: int, stop: int) -> Cancel:
    """A Cancel, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        seq, task_id, lease, mode, _count = _CANCEL_0.unpack_from(data, at)
        at += 34
        if seq < 1:
            raise Doubt
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _CANCEL_TAGS)
            if at != stop:
                raise Doubt
            return Cancel(seq, task_id, lease, mode, **_tags)
        if at != stop:
            raise Doubt
        return Cancel(seq, task_id, lease, mode)
    except _DOUBTS:
        return _reference("decode_cancel", Cancel, data, start, stop)


def encode_cancel(value: Cancel) -> bytes:
    """The frame of a Cancel. Raises WireError."""
    try:
        _count, _tags = _write_cancel__tags(value)
        if value.seq < 1:
            raise Doubt
        if len(value.task_id) != 16:
            raise Doubt
        return _CANCEL_0_FRAMED.pack(11, 34 + len(_tags), value.seq, value.task_id, value.lease, value.mode, _count) + _tags
    except _DOUBTS:
        return _reference("encode_cancel", bytes, value)


def decode_progress(data: bytes, at: int, stop: int) -> Progress:
    """A Progress, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        task_id, lease, current, total, _length_of_body = _PROGRESS_0.unpack_from(data, at)
        at += 44
        _end = at + _length_of_body
        body = _octets(data[at:_end], 67108864)
        at = _end
        _count, = _PROGRESS_1.unpack_from(data, at)
        at += 1
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _PROGRESS_TAGS)
            if at != stop:
                raise Doubt
            return Progress(task_id, lease, current, total, body, **_tags)
        if at != stop:
            raise Doubt
        return Progress(task_id, lease, current, total, body)
    except _DOUBTS:
        return _reference("decode_progress", Progress, data, start, stop)


def encode_progress(value: Progress) -> bytes:
    """The frame of a Progress. Raises WireError."""
    try:
        _count, _tags = _write_progress__tags(value)
        if len(value.task_id) != 16:
            raise Doubt
        _octets_of_body = _octets(bytes(value.body), 67108864)
        _length_of_body = len(_octets_of_body)
        return _PROGRESS_0_FRAMED.pack(12, 45 + len(_octets_of_body) + len(_tags), value.task_id, value.lease, value.current, value.total, _length_of_body) + _octets_of_body + _PROGRESS_1.pack(_count) + _tags
    except _DOUBTS:
        return _reference("encode_progress", bytes, value)


def decode_query(data: bytes, at: int, stop: int) -> Query:
    """A Query, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        seq, task_id, _count = _QUERY_0.unpack_from(data, at)
        at += 25
        if seq < 1:
            raise Doubt
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _QUERY_TAGS)
            if at != stop:
                raise Doubt
            return Query(seq, task_id, **_tags)
        if at != stop:
            raise Doubt
        return Query(seq, task_id)
    except _DOUBTS:
        return _reference("decode_query", Query, data, start, stop)


def encode_query(value: Query) -> bytes:
    """The frame of a Query. Raises WireError."""
    try:
        _count, _tags = _write_query__tags(value)
        if value.seq < 1:
            raise Doubt
        if len(value.task_id) != 16:
            raise Doubt
        return _QUERY_0_FRAMED.pack(13, 25 + len(_tags), value.seq, value.task_id, _count) + _tags
    except _DOUBTS:
        return _reference("encode_query", bytes, value)


def decode_status(data: bytes, at: int, stop: int) -> Status:
    """A Status, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        query, task_id, state, reason, attempt, _length_of_type = _STATUS_0.unpack_from(data, at)
        at += 29
        if query < 1:
            raise Doubt
        _end = at + _length_of_type
        type = _name(data[at:_end])
        at = _end
        _length_of_queue, = _STATUS_1.unpack_from(data, at)
        at += 1
        _end = at + _length_of_queue
        queue = _name(data[at:_end])
        at = _end
        _count, = _STATUS_2.unpack_from(data, at)
        at += 1
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _STATUS_TAGS)
            if at != stop:
                raise Doubt
            return Status(query, task_id, state, reason, attempt, type, queue, **_tags)
        if at != stop:
            raise Doubt
        return Status(query, task_id, state, reason, attempt, type, queue)
    except _DOUBTS:
        return _reference("decode_status", Status, data, start, stop)


def encode_status(value: Status) -> bytes:
    """The frame of a Status. Raises WireError."""
    try:
        _count, _tags = _write_status__tags(value)
        if value.query < 1:
            raise Doubt
        if len(value.task_id) != 16:
            raise Doubt
        _octets_of_type = _name_octets(value.type)
        _length_of_type = len(_octets_of_type)
        _octets_of_queue = _name_octets(value.queue)
        _length_of_queue = len(_octets_of_queue)
        return _STATUS_0_FRAMED.pack(14, 31 + len(_octets_of_type) + len(_octets_of_queue) + len(_tags), value.query, value.task_id, value.state, value.reason, value.attempt, _length_of_type) + _octets_of_type + _STATUS_1.pack(_length_of_queue) + _octets_of_queue + _STATUS_2.pack(_count) + _tags
    except _DOUBTS:
        return _reference("encode_status", bytes, value)


def decode_await(data: bytes, at: int, stop: int) -> Await:
    """An Await, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        seq, task_id, _count = _AWAIT_0.unpack_from(data, at)
        at += 25
        if seq < 1:
            raise Doubt
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _AWAIT_TAGS)
            if at != stop:
                raise Doubt
            return Await(seq, task_id, **_tags)
        if at != stop:
            raise Doubt
        return Await(seq, task_id)
    except _DOUBTS:
        return _reference("decode_await", Await, data, start, stop)


def encode_await(value: Await) -> bytes:
    """The frame of an Await. Raises WireError."""
    try:
        _count, _tags = _write_await__tags(value)
        if value.seq < 1:
            raise Doubt
        if len(value.task_id) != 16:
            raise Doubt
        return _AWAIT_0_FRAMED.pack(15, 25 + len(_tags), value.seq, value.task_id, _count) + _tags
    except _DOUBTS:
        return _reference("encode_await", bytes, value)


def _schedule_rules(value: Schedule, tag_count: int) -> bool:
    return not (
        ((value.action == 1) and not ((value.envelope is not None) and ((value.cron is not None) or (value.every is not None))))  # R-SCH-001
        or ((value.action == 2) and not (tag_count == 0))  # R-SCH-002
    )


def decode_schedule(data: bytes, at: int, stop: int) -> Schedule:
    """A Schedule, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        seq, _length_of_name = _SCHEDULE_0.unpack_from(data, at)
        at += 9
        if seq < 1:
            raise Doubt
        _end = at + _length_of_name
        name = _name(data[at:_end])
        at = _end
        action, priority, _count = _SCHEDULE_1.unpack_from(data, at)
        at += 3
        action = _SCHEDULE_ACTION__MEMBERS[action]
        if priority > 9:
            raise Doubt
        _tags, at = _parse_tags(data, at, stop, _count, _SCHEDULE_TAGS) if _count else ({}, at)
        value = Schedule(seq, name, action, priority, **_tags)
        if at != stop or not _schedule_rules(value, _count):
            raise Doubt
        return value
    except _DOUBTS:
        return _reference("decode_schedule", Schedule, data, start, stop)


def encode_schedule(value: Schedule) -> bytes:
    """The frame of a Schedule. Raises WireError."""
    try:
        _count, _tags = _write_schedule__tags(value)
        if value.seq < 1:
            raise Doubt
        _octets_of_name = _name_octets(value.name)
        _length_of_name = len(_octets_of_name)
        if value.action not in _SCHEDULE_ACTION__MEMBERS:
            raise Doubt
        if value.priority > 9:
            raise Doubt
        if not _schedule_rules(value, _count):
            raise Doubt
        return _SCHEDULE_0_FRAMED.pack(16, 12 + len(_octets_of_name) + len(_tags), value.seq, _length_of_name) + _octets_of_name + _SCHEDULE_1.pack(value.action, value.priority, _count) + _tags
    except _DOUBTS:
        return _reference("encode_schedule", bytes, value)


def decode_retract(data: bytes, at: int, stop: int) -> Retract:
    """A Retract, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        task_id, lease, _count = _RETRACT_0.unpack_from(data, at)
        at += 25
        if lease < 1:
            raise Doubt
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _RETRACT_TAGS)
            if at != stop:
                raise Doubt
            return Retract(task_id, lease, **_tags)
        if at != stop:
            raise Doubt
        return Retract(task_id, lease)
    except _DOUBTS:
        return _reference("decode_retract", Retract, data, start, stop)


def encode_retract(value: Retract) -> bytes:
    """The frame of a Retract. Raises WireError."""
    try:
        _count, _tags = _write_retract__tags(value)
        if len(value.task_id) != 16:
            raise Doubt
        if value.lease < 1:
            raise Doubt
        return _RETRACT_0_FRAMED.pack(17, 25 + len(_tags), value.task_id, value.lease, _count) + _tags
    except _DOUBTS:
        return _reference("encode_retract", bytes, value)


def decode_return(data: bytes, at: int, stop: int) -> Return:
    """A Return, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        seq, task_id, lease, reason, _count = _RETURN_0.unpack_from(data, at)
        at += 34
        if seq < 1:
            raise Doubt
        if lease < 1:
            raise Doubt
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _RETURN_TAGS)
            if at != stop:
                raise Doubt
            return Return(seq, task_id, lease, reason, **_tags)
        if at != stop:
            raise Doubt
        return Return(seq, task_id, lease, reason)
    except _DOUBTS:
        return _reference("decode_return", Return, data, start, stop)


def encode_return(value: Return) -> bytes:
    """The frame of a Return. Raises WireError."""
    try:
        _count, _tags = _write_return__tags(value)
        if value.seq < 1:
            raise Doubt
        if len(value.task_id) != 16:
            raise Doubt
        if value.lease < 1:
            raise Doubt
        return _RETURN_0_FRAMED.pack(18, 34 + len(_tags), value.seq, value.task_id, value.lease, value.reason, _count) + _tags
    except _DOUBTS:
        return _reference("encode_return", bytes, value)


def decode_resume(data: bytes, at: int, stop: int) -> Resume:
    """A Resume, from the payload data[at:stop]. Raises WireError."""
    start = at
    try:
        session, _length_of_leases = _RESUME_0.unpack_from(data, at)
        at += 18
        if _length_of_leases > 65535:
            raise Doubt
        _items_of_leases = []
        for _ in range(_length_of_leases):
            _item_of_leases, at = _read_held_lease(data, at)
            _items_of_leases.append(_item_of_leases)
        leases = tuple(_items_of_leases)
        _count, = _RESUME_1.unpack_from(data, at)
        at += 1
        if _count:
            _tags, at = _parse_tags(data, at, stop, _count, _RESUME_TAGS)
            if at != stop:
                raise Doubt
            return Resume(session, leases, **_tags)
        if at != stop:
            raise Doubt
        return Resume(session, leases)
    except _DOUBTS:
        return _reference("decode_resume", Resume, data, start, stop)


def encode_resume(value: Resume) -> bytes:
    """The frame of a Resume. Raises WireError."""
    try:
        _count, _tags = _write_resume__tags(value)
        if len(value.session) != 16:
            raise Doubt
        _octets_of_leases = b"".join([_write_held_lease(_item) for _item in value.leases])
        _length_of_leases = len(value.leases)
        if _length_of_leases > 65535:
            raise Doubt
        return _RESUME_0_FRAMED.pack(19, 19 + len(_octets_of_leases) + len(_tags), value.session, _length_of_leases) + _octets_of_leases + _RESUME_1.pack(_count) + _tags
    except _DOUBTS:
        return _reference("encode_resume", bytes, value)


def _reference(name: str, kind: type[_T], *arguments: Any) -> _T:
    """What the reference codec says: an error. That it says anything else is a bug in the generator."""
    from wiretask_protocol import reference  # noqa: PLC0415 -- construct takes 30 ms to import; most never need it

    result = getattr(reference, name)(*arguments)
    raise CodecDisagreement(f"{name} is refused by the fast codec and taken by the reference: {result!r}")


#: How to read the payload of each command: (data, start, stop) -> message.
DECODERS: dict[int, Callable[[bytes, int, int], messages.AnyMessage]] = {
    1: decode_task,
    2: decode_result,
    3: decode_hello,
    4: decode_error,
    5: decode_auth,
    6: decode_goodbye,
    7: decode_submit,
    8: decode_accepted,
    9: decode_subscribe,
    10: decode_credit,
    11: decode_cancel,
    12: decode_progress,
    13: decode_query,
    14: decode_status,
    15: decode_await,
    16: decode_schedule,
    17: decode_retract,
    18: decode_return,
    19: decode_resume,
}

#: How to write each message: message -> frame.
ENCODERS: dict[type[messages.AnyMessage], Callable[[Any], bytes]] = {
    Task: encode_task,
    Result: encode_result,
    Hello: encode_hello,
    Error: encode_error,
    Auth: encode_auth,
    Goodbye: encode_goodbye,
    Submit: encode_submit,
    Accepted: encode_accepted,
    Subscribe: encode_subscribe,
    Credit: encode_credit,
    Cancel: encode_cancel,
    Progress: encode_progress,
    Query: encode_query,
    Status: encode_status,
    Await: encode_await,
    Schedule: encode_schedule,
    Retract: encode_retract,
    Return: encode_return,
    Resume: encode_resume,
}
