"""What random specs have found, one by one: legal specs that the Python codecs could not be made of, or not both alike."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from wiretask_codegen import python
from wiretask_codegen.load import load

sys.path.insert(0, str(Path(__file__).parent))

from private_package import imported

WAVE = (
    "message: Wave\ncommand: 48\nsince: 1\nabout: Waves.\nflows: [client -> scheduler]\nfields:\n{fields}{rest}"
    'examples:\n  one:\n    about: One.\n    value: {value}\n    hex: "{frame}"\n'
)


@pytest.fixture
def waved(spec):
    """Adds a message to the spec, and gives its package with the message and the frame of its example."""

    def make(fields, value, payload, rest="", types=()):
        for before, after in types:
            spec.edit("types.yaml", before, after)
        frame = "30" + (len(payload) // 2).to_bytes(4, "big").hex() + payload
        listed = "".join(f"  - {{{field}, about: One.}}\n" for field in fields)
        text = WAVE.format(fields=listed, rest=rest, value=value, frame=frame)
        (spec.root / "messages" / "48-wave.yaml").write_text(text)
        spec.edit("machines.yaml", "on: [Submit, Accepted,", "on: [Submit, Wave, Accepted,")
        return python.render(load(spec.root)), bytes.fromhex(frame)

    return make


STRUCTS = "structs:\n"
ENUMS = "enums:\n"
CLOSED = "  Tag:\n    about: One.\n    repr: u8\n    kind: closed\n    values:\n      one: {value: 1, about: One.}\n"
PAIR = "    about: One.\n    fields:\n      - {name: one, type: u8, about: One.}\n"
NAME = 'pattern: "[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*"'

#: What is unusual -> fields of a message, a value of it, its payload, and what else is in the spec.
UNUSUAL = {
    "a struct at the beginning": (
        ["name: versions, type: VersionRange"],
        "{versions: {min_version: 1, max_version: 2}}",
        "0001000200",
    ),
    "a list of octets": (
        ["name: bodies, type: list<Body>"],
        '{bodies: ["hex:", "hex:0102"]}',
        "0002" + "00000000" + "000000020102" + "00",
    ),
    "a list of ids": (['name: ids, type: "list<bytes[3]>"'], '{ids: ["hex:010203"]}', "000101020300"),
    "words of the codec as names of fields": (
        [
            *("name: octets, type: bytes<u32>", "name: count, type: text<u8>", "name: octets_length, type: text<u8>"),
            *("name: name, type: list<Name>", "name: end, type: list<Name>", "name: name_octets, type: Name"),
        ],
        '{octets: "hex:01", count: c, octets_length: l, name: [a], end: [b], name_octets: m}',
        "0000000101" + "0163" + "016c" + "00010161" + "00010162" + "016d" + "00",
    ),
    "the word of the relayed octets as the name of a field": (
        ["name: relay, type: text<u8>"],
        "{relay: r, envelope: {type: a, queue: b, encoding: raw, body: 'hex:'}}",
        "0172" + "00" + "0161" + "0162" + "00" + "00" + "00000000",
        "relay: Envelope\n",
    ),
    "words of the codec as names of types": (
        ["name: one, type: Tags", "name: two, type: WaveHand", "name: three, type: Tag"],
        "{one: {one: 1}, two: {one: 2}, three: one, hand: 5}",
        "010201" + "01" + "00010000000105",
        "tagged:\n  - {tag: 1, name: hand, type: u8, since: 1, on_old_peer: drop, about: One.}\n",
        ((STRUCTS, f"{STRUCTS}  Tags:\n{PAIR}  WaveHand:\n{PAIR}"), (ENUMS, ENUMS + CLOSED)),
    ),
    "a pattern that takes what is not ASCII": (
        ["name: word, type: Name"],
        "{word: é}",
        "02c3a900",
        "",
        ((NAME, 'pattern: "[^ ]+"'),),
    ),
    "a pattern with quotes": (
        ["name: word, type: Name"],
        "{word: 'a\"'}",
        "02612200",
        "",
        ((NAME, """pattern: '[A-Za-z0-9"][A-Za-z0-9@/.:_"+-]*'"""),),
    ),
    "quotes and backslashes in texts": (
        ["name: one, type: u8"],
        "{one: 1}",
        "0100",
        'rules:\n  - {id: R-WAV-001, require: one == 1, about: \'It is "one" in C:\\Users\\new, and """so""" on.\'}\n',
        ((f"{STRUCTS}  VersionRange:\n    about: ", f'{STRUCTS}  VersionRange:\n    about: \'See \\N and """.\' #'),),
    ),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_both_codecs_take_what_is_unusual(waved, what):
    files, frame = waved(*UNUSUAL[what])
    with imported(files, "unusual") as package:
        message = package.examples.EXAMPLES["Wave/one"][0]
        for codec in (package.fast, package.reference):
            assert codec.encode_wave(message) == frame
            assert codec.decode_wave(frame, 5, len(frame)) == message


def test_a_rule_of_a_message_that_relays_holds_when_it_is_read(waved):
    value = "{one: 1, envelope: {type: a, queue: b, encoding: raw, body: 'hex:'}}"
    rest = "relay: Envelope\nrules:\n  - {id: R-WAV-001, require: one == 1, about: It is one.}\n"
    files, frame = waved(["name: one, type: u8"], value, "0100" + "01610162" + "0000" + "00000000", rest)
    broken = frame[:5] + b"\2" + frame[6:]
    with imported(files, "unusual") as package:
        for codec in (package.fast, package.reference):
            assert codec.decode_wave(frame, 5, len(frame)).one == 1
            with pytest.raises(package.errors.WireError, match="RULE_BROKEN"):
                codec.decode_wave(broken, 5, len(broken))


def test_no_nul_is_in_a_name_whatever_its_pattern_says(waved):
    files, frame = waved(["name: word, type: Name"], "{word: a}", "016100", "", ((NAME, 'pattern: "[^ ]+"'),))
    nul = frame.replace(b"a", b"\0")
    with imported(files, "unusual") as package:
        for codec in (package.fast, package.reference):
            with pytest.raises(package.errors.WireError, match="BAD_UTF8"):
                codec.decode_wave(nul, 5, len(nul))
            with pytest.raises(package.errors.WireError, match="BAD_UTF8"):
                codec.encode_wave(package.messages.Wave("\0"))


def test_what_is_drawn_is_legal_where_flags_have_gaps_and_texts_are_long(waved):
    gaps = "flags:\n  Gaps:\n    about: One.\n    repr: u8\n    values:\n      one: {bit: 0, about: One.}\n      two: {bit: 6, about: Two.}\n"
    fields = [
        "name: gaps, type: Gaps",
        "name: long, type: text<u8>, min_bytes: 40, max_bytes: 41",
        "name: word, type: Name",
    ]
    value = f"{{gaps: [two], long: {'x' * 40}, word: {'w' * 2}}}"
    payload = "40" + "28" + "78" * 40 + "02" + "77" * 2 + "00"
    types = (("flags:\n", gaps), ("min_bytes: 1\n    max_bytes: 128\n", "min_bytes: 2\n    max_bytes: 128\n"))
    spec_files = waved(fields, value, payload, "", types)[0]
    with imported(spec_files, "unusual") as package:

        @settings(max_examples=20)
        @given(package.strategies.draw_wave())
        def check(message):
            assert package.reference.encode_wave(message)

        check()
