"""Our codec, broken in one way: `broken_codec.py NAME` answers as implementations/python/codec.py does, but for that.

Each must be caught by the golden cases (see gate.py). What is broken is the reference codec, whose parts have names.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["WIRETASK_CODEC"] = "reference"

from breaking import Mutants, adapter_of, wrapped

from wiretask_protocol import WireError, messages
from wiretask_protocol.errors import ErrorCode

#: What is broken, as things that can be written to.
_bounded: Any = importlib.import_module("wiretask_protocol._bounded")
connection: Any = importlib.import_module("wiretask_protocol.connection")
reference: Any = importlib.import_module("wiretask_protocol.reference")
adapter = adapter_of("codec")
MUTANTS = Mutants()
mutant = MUTANTS.add
no_adapter = MUTANTS.add_no_adapter


class Header:
    """The header of a frame, with something done to the length."""

    def __init__(self, change: Callable[[int], int]) -> None:
        self.change = change

    def unpack_from(self, data: bytes, at: int) -> tuple[int, int]:
        """As struct's."""
        command, length = struct.unpack_from(">BI", data, at)
        return command, self.change(length)


# Frames


@mutant
def length_counts_the_header() -> None:
    connection._HEADER = Header(lambda length: length - 5)


@mutant
def length_is_little_endian() -> None:
    connection._HEADER = struct.Struct("<BI")


@mutant
def length_has_24_bits() -> None:
    connection._HEADER = Header(lambda length: length & 0xFFFFFF)


@mutant
def length_is_signed() -> None:
    connection._HEADER = struct.Struct(">Bi")


@mutant
def no_frame_limit() -> None:
    wrapped(connection.Connection, "__init__", lambda init: lambda self, side, **_: init(self, side, 1 << 40))


@mutant
def a_frame_at_the_limit_is_too_large() -> None:
    def make(init: Any) -> Any:
        return lambda self, side, frame_limit: init(self, side, frame_limit - 1)

    wrapped(connection.Connection, "__init__", make)


@mutant
def no_limit_before_the_accept() -> None:
    connection.HANDSHAKE_FRAME_LIMIT = 1 << 40


@mutant
def the_second_frame_of_a_read_is_dropped() -> None:
    def make(receive: Any) -> Any:
        return lambda self, octets: receive(self, octets)[:1]

    wrapped(connection.Connection, "receive", make)


@mutant
def what_is_left_of_a_read_is_dropped() -> None:
    def make(read: Any) -> Any:
        def reading(self: Any, data: bytes, found: Any) -> int:
            read(self, data, found)
            return len(data)

        return reading

    wrapped(connection.Connection, "_read", make)


@mutant
def grease_is_an_unknown_command() -> None:
    connection._SKIPPED = frozenset({"skippable"})


@mutant
def skippable_is_an_unknown_command() -> None:
    connection._SKIPPED = frozenset({"grease"})


@mutant
def private_commands_are_skipped() -> None:
    connection._SKIPPED = frozenset({"skippable", "grease", "private"})


@mutant
def every_unknown_command_is_skipped() -> None:
    connection.Connection._judge = lambda self, command: None


@mutant
def any_octet_may_come_first() -> None:
    connection.Connection._greet = lambda self, data: None


@mutant
def every_message_is_allowed_in_every_state() -> None:
    for states in connection._RULES.values():
        for rules in states.values():
            rules.decoders = dict(connection.DECODERS)
            rules.changing = set()


@mutant
def the_stream_may_end_within_a_frame() -> None:
    connection.Connection.eof = lambda self: None


# Payloads


@mutant
def a_short_field_is_accepted() -> None:
    _bounded.take = lambda stream, octets, path, at: stream.read(octets)


@mutant
def left_over_octets_are_ignored() -> None:
    _bounded.End._parse = lambda self, stream, context, path: None


@mutant
def a_closed_enum_takes_any_value() -> None:
    _bounded.ClosedEnum.refine = lambda self, value, path, at: value


@mutant
def an_open_enum_refuses_new_values() -> None:
    def make(decode: Any) -> Any:
        def decoding(request: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = decode(request)
            outcome = answer.get("ok", {}).get("value", {}).get("outcome")
            known = {str(int(value)) for value in messages.Outcome}
            return (
                answer
                if outcome is None or outcome in known
                else {"error": "BAD_ENUM", "field": "outcome", "offset": 32}
            )

        return decoding

    wrapped(adapter, "decode", make)


@mutant
def flags_without_a_name_are_accepted() -> None:
    _bounded.FlagSet.refine = lambda self, value, path, at: value


@mutant
def a_bool_may_be_2() -> None:
    _bounded.Boolean.refine = lambda self, value, path, at: bool(value)


@mutant
def no_smallest_value() -> None:
    def make(refine: Any) -> Any:
        return lambda self, value, path, at: (
            refine(self, value if at is None else max(value, self.minimum), path, at) and value
        )

    wrapped(_bounded.Integer, "refine", make)


@mutant
def no_largest_value() -> None:
    def make(refine: Any) -> Any:
        return lambda self, value, path, at: (
            refine(self, value if at is None else min(value, self.maximum), path, at) and value
        )

    wrapped(_bounded.Integer, "refine", make)


@mutant
def numbers_are_doubles() -> None:
    def make(refine: Any) -> Any:
        return lambda self, value, path, at: refine(self, int(float(value)) if self.octets == 8 else value, path, at)

    wrapped(_bounded.Integer, "refine", make)


def _text(decode: Callable[[bytes], str], checks: Callable[[Any, bytes, str], str | None]) -> None:
    """Another way to read a text: how octets become one, and which error it has."""

    def refine(self: Any, octets: bytes, path: str, at: int | None) -> str:
        try:
            text = decode(octets)
        except UnicodeDecodeError:
            text = None
        error = checks(self, octets, text) if text is not None else "BAD_UTF8"
        if not self.minimum <= len(octets) <= self.maximum and error != "":
            error = "LIMIT_EXCEEDED"
        if error:
            raise WireError(ErrorCode[error], _bounded.field_of(path), at)
        assert text is not None
        return text

    _bounded.Text.refine = refine


def _checked(self: Any, _octets: bytes, text: str) -> str | None:
    if "\0" in text:
        return "BAD_UTF8"
    return "BAD_PATTERN" if self.pattern is not None and not self.pattern.fullmatch(text) else None


@mutant
def broken_utf8_is_replaced() -> None:
    _text(lambda octets: octets.decode("utf-8", "replace"), _checked)


@mutant
def surrogates_are_text() -> None:
    _text(lambda octets: octets.decode("utf-8", "surrogatepass"), _checked)


@mutant
def text_is_latin_1() -> None:
    _text(lambda octets: octets.decode("latin-1"), _checked)


@mutant
def nul_is_text() -> None:
    def checks(self: Any, octets: bytes, text: str) -> str | None:
        return _checked(self, octets, text.replace("\0", "a"))

    _text(lambda octets: octets.decode("utf-8"), checks)


@mutant
def nul_ends_a_text() -> None:
    _text(lambda octets: octets.decode("utf-8").partition("\0")[0], _checked)


@mutant
def a_name_may_be_any_text() -> None:
    _text(lambda octets: octets.decode("utf-8"), lambda self, octets, text: "BAD_UTF8" if "\0" in text else None)


@mutant
def a_pattern_need_only_begin() -> None:
    def checks(self: Any, _octets: bytes, text: str) -> str | None:
        if "\0" in text:
            return "BAD_UTF8"
        return "BAD_PATTERN" if self.pattern is not None and not self.pattern.match(text) else None

    _text(lambda octets: octets.decode("utf-8"), checks)


@mutant
def no_longest_text() -> None:
    def checks(self: Any, octets: bytes, text: str) -> str | None:
        error = _checked(self, octets, text)
        return error if error is not None or len(octets) <= self.maximum else ""

    _text(lambda octets: octets.decode("utf-8"), checks)


@mutant
def lengths_count_characters() -> None:
    def make(refine: Any) -> Any:
        def refining(self: Any, octets: bytes, path: str, at: int | None) -> Any:
            return refine(self, octets[: self.maximum], path, at) if at is None else refine(self, octets, path, at)

        return refining

    wrapped(_bounded.Text, "refine", make)


@mutant
def no_longest_list() -> None:
    wrapped(_bounded.Items, "__init__", lambda init: lambda self, item, maximum: init(self, item, 0xFFFF))
    importlib.reload(reference)


@mutant
def rules_between_fields_are_not_checked() -> None:
    _bounded.Record.check = lambda self, value, path, at: None


# Tags


def _entries(check: Callable[[int, int], bool]) -> None:
    """Another way to walk through a section: `check(number, last)` says whether a tag may follow."""

    def entries(self: Any, stream: io.BytesIO, path: str) -> Any:
        last = 0
        for index in range(int.from_bytes(_bounded.take(stream, 1, path, stream.tell()), "big")):
            entry = (_bounded.field_of(f"{path}[{index}]"), stream.tell())
            head = _bounded.take(stream, 6, f"{path}[{index}]", entry[1])
            number, length = int.from_bytes(head[:2], "big"), int.from_bytes(head[2:], "big")
            if not check(number, last):
                raise WireError(ErrorCode.TAG_ORDER, *entry)
            last = number
            if length > _bounded.remaining(stream):
                raise WireError(ErrorCode.TRUNCATED, *entry)
            at = stream.tell()
            yield number, stream.read(length), at, entry

    _bounded.Tags.entries = entries


@mutant
def a_tag_may_come_twice() -> None:
    _entries(lambda number, last: number >= max(last, 1))


@mutant
def tags_come_in_any_order() -> None:
    _entries(lambda number, last: number != last)


@mutant
def there_is_a_tag_0() -> None:
    _entries(lambda number, last: number > last or number == last == 0)


@mutant
def critical_tags_are_skipped() -> None:
    def make(entries: Any) -> Any:
        def low(self: Any, stream: io.BytesIO, path: str) -> Any:
            for number, octets, at, entry in entries(self, stream, path):
                yield number & 0x7FFF if number not in self.tags else number, octets, at, entry

        return low

    wrapped(_bounded.Tags, "entries", make)


@mutant
def unknown_tags_are_refused() -> None:
    def make(entries: Any) -> Any:
        def strict(self: Any, stream: io.BytesIO, path: str) -> Any:
            for number, octets, at, entry in entries(self, stream, path):
                if self.tags and number not in self.tags:
                    raise WireError(ErrorCode.CRITICAL_TAG, *entry)
                yield number, octets, at, entry

        return strict

    wrapped(_bounded.Tags, "entries", make)


@mutant
def unknown_tags_are_dropped() -> None:
    def make(parse: Any) -> Any:
        def parsing(self: Any, stream: io.BytesIO, context: Any, path: str) -> Any:
            found = parse(self, stream, context, path)
            found.pop("unknown", None)
            return found

        return parsing

    wrapped(_bounded.Tags, "_parse", make)


@mutant
def a_tag_may_be_longer_than_its_value() -> None:
    def make(parse: Any) -> Any:
        def parsing(self: Any, octets: bytes, context: Any, path: str, at: int) -> Any:
            for end in range(len(octets), -1, -1):
                try:
                    return parse(self, octets[:end], context, path, at)
                except WireError as error:
                    if error.code is not ErrorCode.TAG_LENGTH:
                        raise
            return parse(self, octets, context, path, at)

        return parsing

    wrapped(_bounded.Tag, "parse", make)


@mutant
def a_relayed_struct_is_not_looked_at() -> None:
    def parse(self: Any, stream: io.BytesIO, context: Any, path: str) -> bytes:
        return stream.read()

    _bounded.Relayed._parse = parse


@mutant
def zero_is_absent() -> None:
    def make(plain: Any) -> Any:
        def made(value: Any) -> Any:
            found = plain(value)
            if isinstance(found, dict):
                return {name: item for name, item in found.items() if item != "0"}
            return found

        return made

    wrapped(adapter, "plain", make)


@mutant
def empty_octets_are_absent() -> None:
    def make(plain: Any) -> Any:
        def made(value: Any) -> Any:
            found = plain(value)
            return {k: v for k, v in found.items() if v != "hex:"} if isinstance(found, dict) else found

        return made

    wrapped(adapter, "plain", make)


# Errors


def _said(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Something done to every refusal."""

    def make(decode: Any) -> Any:
        def decoding(request: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = decode(request)
            return change(answer) if "error" in answer else answer

        return decoding

    wrapped(adapter, "decode", make)


@mutant
def every_error_is_truncated() -> None:
    _said(lambda answer: {**answer, "error": "TRUNCATED"})


@mutant
def errors_name_no_field() -> None:
    _said(lambda answer: {**answer, "field": ""})


@mutant
def offsets_count_the_header() -> None:
    _said(lambda answer: {**answer, "offset": None if answer["offset"] is None else answer["offset"] + 5})


# Encoding


@mutant
def encoding_checks_no_range() -> None:
    def build(self: Any, obj: Any, stream: io.BytesIO, context: Any, path: str) -> Any:
        stream.write((int(obj) & (1 << 8 * self.octets) - 1).to_bytes(self.octets, "big"))
        return obj

    _bounded.Integer._build = build


@mutant
def encoding_checks_no_text() -> None:
    _bounded.Text.build_tag = lambda self, obj, path: obj.encode("utf-8", "surrogatepass")


@mutant
def encoding_counts_no_items() -> None:
    def make(build: Any) -> Any:
        return lambda self, obj, stream, context, path: build(self, obj[: self.maximum], stream, context, path)

    wrapped(_bounded.Items, "_build", make)


# Implementations that are none: the suite must not be fooled by them


def _answering(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answers everything but the start and the end like this."""

    def make(real: Any) -> Any:
        return lambda request: real(request) if request["op"] in ("start", "stop") else answer(request)

    wrapped(adapter, "answer", make)


@mutant
def always_ok() -> None:
    _answering(lambda request: {"ok": {"value": {}, "reencoded": "", "frames": [], "error": None}})


@mutant
def always_an_error() -> None:
    _answering(lambda request: {"error": "TRUNCATED", "field": "", "offset": 0})


@mutant
def gives_back_what_it_gets() -> None:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        frame = request.get("frame") or request.get("octets") or ""
        ok = {
            "value": request.get("value", {}),
            "reencoded": frame,
            "frame": frame,
            "message": request.get("message", ""),
        }
        return {"ok": {**ok, "frames": request.get("chunks", []), "error": None}}

    _answering(answer)


@no_adapter
def skips_everything() -> None:
    _answering(lambda request: {"skipped": "not today"})


@no_adapter
def never_answers() -> None:
    def answer(_request: dict[str, Any]) -> dict[str, Any]:
        time.sleep(3600)
        return {}

    _answering(answer)


@no_adapter
def answers_out_of_order() -> None:
    _answering(lambda request: {"seq": request["seq"] + 1, "ok": {}})


@no_adapter
def talks_on_standard_output() -> None:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        print("decoding", json.dumps(request))
        return {"error": "TRUNCATED"}

    _answering(answer)


@no_adapter
def dies_at_once() -> None:
    _answering(lambda request: sys.exit(1))


if __name__ == "__main__":
    MUTANTS[sys.argv[1]]()
    adapter.main()
