"""What the layout asks of a codec, in the words of PROTOCOL.md: what cases require that have no number.

Each sentence is found from what a case covers, and names the chapter in which it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from wiretask_conformance.golden import Case
from wiretask_conformance.spec import Spec

_ONE_ENCODING = "There is one encoding of each value: decoding and encoding again gives the same octets (Frames)."
_TAG_VALUE = "A value that does not take the whole of its tag, or needs more, is TAG_LENGTH (Tags)."
_ASCENDING = "Tags are strictly ascending, so none comes twice (Tags)."
_UNKNOWN = "A tag that is not known is skipped, kept, and written again when the message is passed on (Tags)."
_SECTION = {
    "zero": "Every message and every relayed struct has a tag section, also when it is empty (Tags).",
    "count-less": "Nothing may be left over after the tags that are counted (Frames, Tags).",
    "count-more": "A tag section has as many tags as its count says (Tags).",
    "most": _UNKNOWN,
    "order": _ASCENDING,
    "twice": _ASCENDING,
    "unknown": _UNKNOWN,
    "critical": "A tag with the high bit must be understood; who does not know it says CRITICAL_TAG (Tags).",
}
#: What a case is about that covers nothing of its own: that something holds of whole frames.
_KINDS = {
    "decode": _ONE_ENCODING,
    "relayed": _ONE_ENCODING,
    "encode": "An encoder refuses what a decoder would, by the same names (Errors and their order).",
    "stream": "A frame is judged after all earlier ones, in the state that they have led to (Errors and their order).",
    "split": "A frame is the same, however its octets arrive (Frames).",
}
#: What a relayed struct ends with.
_BODY = {"is": "body"}
_OF_TAGS = re.compile(r"(?:.*\.)?tags(?:\[\d+\])?")
_INDEX = re.compile(r"\[\d*\]")


def demands(spec: Spec, case: Case) -> list[str]:
    """The sentences that a case holds a codec to, besides its numbered requirements."""
    said = [sentence for item in case.covers for sentence in _sentences(spec, item)]
    for owner, path in _places(case):
        said = said or list(_at(spec, owner, path))
    if not said and not case.requires:
        said = [_KINDS[case.kind]]
    return list(dict.fromkeys(said))


def _places(case: Case) -> Iterator[tuple[str, str]]:
    """Where a case that covers nothing may be about: where its error is, or what its name says.

    Names are `Task/least/lease/0` and `encode/Task/lease/0`.
    """
    request, segments = case.requests[0], case.name.split("/")
    owner = request.get("struct") or request.get("message") or segments[0]
    if case.expected.get("field"):
        yield owner, case.expected["field"]
    yield owner, ".".join(segments[2:-1])


def described(spec: Spec, type_: dict[str, Any]) -> str:
    """A type in words, as the tables of PROTOCOL.md have it."""
    kind = type_["is"]
    if kind == "integer":
        return "%s, from %d to %d" % (type_["integer"], type_["min"], type_["max"])
    if kind == "text":
        pattern = "" if type_["pattern"] is None else ", of the pattern %s" % type_["pattern"]
        return "UTF-8 without NUL, %d to %d octets long%s" % (type_["min"], type_["max"], pattern)
    if kind == "bytes":
        return "at most %d octets" % type_["max"]
    if kind == "fixed":
        return "%d octets" % type_["size"]
    if kind == "list":
        return "a list of at most %d, each %s" % (type_["max"], described(spec, type_["item"]))
    if kind == "enum":
        enum = spec.enums[type_["name"]]
        values = ", ".join("%d %s" % (number, name) for name, number in enum["values"].items())
        other = "every other value is BAD_ENUM" if enum["closed"] else "every other value is kept"
        return "a %s (%s; %s)" % (type_["name"], values, other)
    if kind == "flags":
        bits = ", ".join("bit %d %s" % (number, name) for name, number in spec.flags[type_["name"]]["bits"].items())
        return "%s (%s; every other bit is 0)" % (type_["name"], bits)
    if kind == "body":
        return "a length (u32), then so many octets, to the end of the frame or of its tag"
    return "0 or 1" if kind == "boolean" else "of the form %s" % type_["name"]


def _sentences(spec: Spec, item: str) -> Iterator[str]:
    """What an item of the coverage says; numbered requirements and errors have texts of their own."""
    what, _, rest = item.partition(":")
    if what == "field":
        owner, _, field = rest.rpartition(":")[0].partition(".")
        yield from _at(spec, owner, field)
    elif what == "tag":
        owner, _, name = rest.rpartition(":")[0].partition(".")
        yield from _at(spec, owner, name)
        if rest.endswith((":short", ":long")):
            yield _TAG_VALUE
    elif what == "section":
        yield _SECTION[rest.rpartition(":")[2]]
    elif what == "command":
        first, last = map(int, rest.split("-"))
        found = next(one for one in spec.command_ranges if one["from"] == first)
        yield "Commands 0x%02x to 0x%02x, %s: %s (Frames)." % (first, last, found["kind"], found["about"].rstrip("."))
    elif what == "cell":
        yield _cell(spec, *rest.split("/"))
    elif what == "limit":
        limit = spec.limits[rest.partition(":")[0]]
        text = "The %s is %d %s; what is over it is %s (Limits)."
        yield text % (rest.partition(":")[0], limit["value"], limit["unit"], limit["error"])


def _cell(spec: Spec, side: str, state: str, event: str) -> str:
    target = spec.machine(side).table[state].get(event)
    if target is None:
        return "%s may not arrive at a %s that is %s: UNEXPECTED_MESSAGE." % (event, side, state)
    return "%s may arrive at a %s that is %s, which is %s after it." % (event, side, state, target)


def _at(spec: Spec, owner: str, path: str) -> Iterator[str]:
    """What lies at a path of a message or a struct, in words."""
    if _OF_TAGS.fullmatch(path):
        yield _ASCENDING
        yield "An entry of the tag section is a tag (u16), a length (u32) and so many octets (Tags)."
        return
    form: dict[str, Any] = {**spec.messages, **spec.structs, **spec.relayed}.get(owner, {"fields": ()})
    name, _, rest = path.partition(".")
    plain = _INDEX.sub("", name)
    numbers = {tag["name"]: number for number, tag in form.get("tags", {}).items()}
    types = {field["name"]: field["type"] for field in [*form["fields"], *form.get("tags", {}).values()]}
    if form.get("relay"):
        types[form["relay"].lower()] = {"is": "relayed", "name": form["relay"]}
    if owner in spec.relayed:
        types["body"] = _BODY
    if plain not in types:
        return
    type_ = types[plain]
    # Of a list an error names an item by its number, and a case by the word.
    of_item = "[" in name or rest.startswith("item")
    if of_item and type_["is"] == "list":
        type_, rest = type_["item"], rest[4:].lstrip(".") if rest.startswith("item") else rest
    if rest and "name" in type_:
        yield from _at(spec, type_["name"], rest)
        return
    tag = ", the tag %s, which may be absent" % numbers[plain] if plain in numbers else ""
    item = ", each of it" if of_item else ""
    yield "%s.%s%s%s: %s." % (owner, plain, tag, item, described(spec, type_))
