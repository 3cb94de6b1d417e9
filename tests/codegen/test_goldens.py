"""The golden cases: their files, what they cover, and the gate before them."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from wiretask_codegen import goldens
from wiretask_codegen.__main__ import main
from wiretask_codegen.goldens import by_hand, identity
from wiretask_codegen.goldens.anatomy import message_part, relayed_part
from wiretask_codegen.goldens.binding import loaded
from wiretask_codegen.goldens.cases import _shows
from wiretask_codegen.goldens.reading import read_message, read_relayed
from wiretask_codegen.load import load
from wiretask_codegen.problems import SpecError
from wiretask_codegen.render import render

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / goldens.FOLDER
WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}


@pytest.fixture(scope="module")
def spec_as_is():
    return load(ROOT / "spec")


@pytest.fixture(scope="module")
def files() -> dict:
    names = json.loads((GOLDEN / "manifest.json").read_text())["files"]
    return {name: json.loads((GOLDEN / name).read_text()) for name in names}


@pytest.fixture(scope="module")
def cases(files) -> list:
    return [case for file in files.values() for case in file["cases"]]


@pytest.fixture(scope="module")
def data() -> dict:
    contents: dict = json.loads((GOLDEN / "spec.json").read_text())
    return contents


# -- the files -------------------------------------------------------------------------------------------------------


def test_there_is_a_file_for_each_message_and_relayed_struct_and_one_for_each_other_kind(files, data):
    others = {"streams.json", "encode.json", "by_hand.json"}
    assert set(files) == {f"{name}.json" for name in [*data["messages"], *data["relayed"]]} | others


def test_the_manifest_counts_the_cases_of_each_file(files, data):
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    assert manifest["counts"] == {name: len(file["cases"]) for name, file in files.items()}
    assert (manifest["schema"], manifest["spec"]) == ("wiretask-golden-1", data["digest"])


def test_the_spec_beside_them_is_the_generated_one(data):
    assert data == json.loads((ROOT / "generated" / "spec.json").read_text())


def test_there_is_one_case_a_line(files):
    for name, file in files.items():
        assert len((GOLDEN / name).read_text().splitlines()) == len(file["cases"]) + 2


def test_each_case_can_be_cut_out_of_the_octets_beside_it(files):
    for name, file in files.items():
        octets = (GOLDEN / name.replace(".json", ".bin")).read_bytes()
        end = 0
        for case in file["cases"]:
            own = octets_of(case)
            if own is None:
                assert "at" not in case
                continue
            assert case["at"] == end, case["name"]
            end += len(own)
            assert octets[case["at"] : end] == own
        assert end == len(octets)


def octets_of(case) -> bytes | None:
    expect = case["expect"] or {}
    text = case.get("frame") or case.get("octets") or expect.get("frame") or expect.get("octets")
    if case["kind"] == "stream":
        return bytes.fromhex("".join(case["chunks"]))
    return bytes.fromhex(text) if text is not None else b"" if case["kind"] == "relayed" else None


def test_all_of_them_are_small_enough_to_be_cloned_without_a_thought():
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 5_000_000


# -- their shape -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads((GOLDEN / "schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_every_file_is_of_the_published_shape(files, validator):
    for name in [*files, "manifest.json", "retired.json"]:
        assert validator.is_valid(json.loads((GOLDEN / name).read_text())), name


SPOILT = {
    "no schema": lambda file, case: file.pop("schema"),
    "another schema": lambda file, case: file.update(schema="wiretask-golden-9"),
    "an unknown key of the file": lambda file, case: file.update(more=1),
    "an unknown key": lambda file, case: case.update(more=1),
    "no id": lambda file, case: case.pop("id"),
    "an id that says something": lambda file, case: case.update(id="Hello/open"),
    "no name": lambda file, case: case.update(name=""),
    "no level": lambda file, case: case.pop("level"),
    "an unknown level": lambda file, case: case.update(level="MAY"),
    "an unknown kind": lambda file, case: case.update(kind="other"),
    "the kind of another": lambda file, case: case.update(kind="stream"),
    "no covers": lambda file, case: case.pop("covers"),
    "a cover twice": lambda file, case: case.update(covers=["a", "a"]),
    "version 0": lambda file, case: case.update(since=0),
    "half an octet": lambda file, case: case.update(frame="030"),
    "upper case": lambda file, case: case.update(frame="0A"),
    "no octets": lambda file, case: case.pop("frame"),
    "no expectation": lambda file, case: case.pop("expect"),
    "an error without a field": lambda file, case: case.update(expect={"error": "TRUNCATED"}),
    "a value of what is refused": lambda file, case: case.update(
        expect={"error": "TRUNCATED", "field": "", "offset": 0}
    ),
    "no value of what is legal": lambda file, case: case.pop("value"),
    "no map of what is legal": lambda file, case: case.pop("map"),
    "a part without a path": lambda file, case: case["map"].append([1, 2]),
}


@pytest.mark.parametrize("how", SPOILT)
def test_another_shape_is_refused(files, validator, how):
    legal = next(case for case in files["Hello.json"]["cases"] if case["expect"] is None)
    file = {"schema": "wiretask-golden-1", "cases": [json.loads(json.dumps(legal))]}
    assert validator.is_valid(file)
    SPOILT[how](file, file["cases"][0])
    assert not validator.is_valid(file)


# -- what the cases say ----------------------------------------------------------------------------------------------


def test_the_map_of_a_legal_case_has_every_octet_once(cases):
    for case in cases:
        if case["kind"] in ("decode", "relayed") and case["expect"] is None:
            ends = [0, *(end for _, end, _ in case["map"])]
            assert [start for start, _, _ in case["map"]] == ends[:-1], case["name"]
            assert ends[-1] == len(octets_of(case))


def test_a_relayed_struct_is_octets_inside_a_message_and_an_object_by_itself(files):
    for name, key in (("Task.json", "envelope"), ("Result.json", "report"), ("Schedule.json", "envelope")):
        values = [case["value"] for case in files[name]["cases"] if case["expect"] is None]
        assert any(key in value for value in values)
        assert all(value[key].startswith("hex:") for value in values if key in value)
    for case in files["Envelope.json"]["cases"]:
        assert case["expect"] is not None or case["value"]["body"].startswith("hex:")


def test_a_case_that_requires_a_rule_shows_it_kept_or_broken(cases, data):
    rules = {rule for owner in [*data["messages"].values(), *data["structs"].values()] for rule in owner["rules"]}
    for case in cases:
        if case["kind"] in ("decode", "relayed"):
            shown = {cover.split(":")[1] for cover in case["covers"] if cover.startswith("rule:")}
            assert shown == rules & set(case["requires"]), case["name"]


def test_what_the_spec_has_is_covered(cases, data):
    covered = {cover for case in cases for cover in case["covers"]}
    assert set(required(data)) - covered == set()


@pytest.mark.parametrize(
    ("error", "field", "shown"),
    [
        ("LIMIT_EXCEEDED", "tag.items[0].part", True),
        ("TAG_LENGTH", "tag", True),
        ("TAG_LENGTH", "ta", False),
        ("TAG_LENGTH", "other", False),
        ("TAG_LENGTH", "", False),
        ("LIMIT_EXCEEDED", "tag", False),
        ("LIMIT_EXCEEDED", "tag.items", False),
        ("TRUNCATED", "tag.items[1].part", False),
    ],
)
def test_a_part_is_shown_by_an_error_of_its_own_or_of_the_tag_that_it_reaches_beyond(error, field, shown):
    said = {"error": error, "field": field, "offset": 0}
    assert _shows("field:Item.part:above", "tag.items[0].part", said) == shown


def required(data):
    """What the octets of a spec ask for, from spec.json alone."""
    for name, owner in {**data["messages"], **data["relayed"]}.items():
        for field in [*owner["fields"], *owner["tags"].values()]:
            yield from (f"field:{name}.{item}" for item in classes(data, field["name"], field["type"]))
        for tag in owner["tags"].values():
            yield from (f"tag:{name}.{tag['name']}:{how}" for how in ("present", "absent", "short", "long"))
        for how in ("order", "twice", "unknown", "critical", "count-more", "count-less", "zero", "most"):
            yield f"section:{name}:{how}"
    for name in data["relayed"]:
        yield from (f"field:{name}.body:{how}" for how in ("empty", "some", "above"))
    for name, struct in data["structs"].items():
        for field in struct["fields"]:
            yield from (f"field:{name}.{item}" for item in classes(data, field["name"], field["type"]))
    for owner in [*data["messages"].values(), *data["structs"].values()]:
        yield from (f"rule:{rule}:{how}" for rule in owner["rules"] for how in ("kept", "broken"))
    # Frames that come too slowly need time to be seen.
    decoding = [name for name, error in data["errors"].items() if error["code"] < 300 and name != "FRAME_TOO_SLOW"]
    yield from (f"error:{name}:decode" for name in decoding)
    yield from (f"command:{item['from']}-{item['to']}" for item in data["command_ranges"])
    yield from (f"limit:{name}:{how}" for name in ("frame_limit", "handshake_frame_limit") for how in ("at", "over"))
    for name, machine in data["machines"].items():
        if name.endswith("_connection"):
            yield from cells(name, machine)


def cells(name, machine):
    for state, row in machine["table"].items():
        for event, target in row.items():
            if event[0].isupper():
                yield f"cell:{name.removesuffix('_connection')}/{state}/{event}"
                yield from [f"transition:{name}/{state}/{event}"] * (target is not None)


def classes(data, name, type_):
    match type_["is"]:
        case "integer":
            top = (1 << 8 * WIDTHS[type_["integer"]]) - 1
            shown = ["min", "max", "zero", "ones"]
            shown += ["below"] * (type_["min"] > 0) + ["above"] * (type_["max"] < top)
        case "boolean":
            shown = ["false", "true", "other"]
        case "enum":
            shown = [*data["enums"][type_["name"]]["values"], "unknown"]
        case "flags":
            shown = [*data["flags"][type_["name"]]["bits"], "none", "all", "undefined"]
        case "text":
            shown = ["empty", "max", "nul", "utf8", *["pattern"] * (type_["pattern"] is not None)]
            shown += ["above"] * (type_["max"] + 1 < 1 << 8 * WIDTHS[type_["prefix"]])
        case "bytes":
            shown = ["empty", "some", "above"]
        case "list":
            shown = ["empty", "one", "short", *["max", "above"] * (type_["max"] < 0xFFFF)]
            if type_["item"]["is"] not in ("struct", "list"):
                yield from classes(data, f"{name}[]", type_["item"])
        case _:
            shown = []
    yield from (f"{name}:{how}" for how in shown)


def test_a_part_is_found_where_its_octets_are(spec_as_is):
    hello = next(message for message in spec_as_is.messages if message.name == "Hello")
    root = message_part(hello, {"kind": 1}, hello.tagged)
    reading = read_message(hello, root.written())
    assert reading.value["heartbeat"] == "100"
    spoilt = read_message(hello, root.written("heartbeat", (200).to_bytes(4, "big")))
    assert {**spoilt.value, "heartbeat": "100"} == reading.value
    assert reading.rules == [("R-HEL-005", True), ("R-HEL-001", True)]


def test_an_exchanged_part_mends_the_lengths_around_it(spec_as_is):
    envelope = next(relayed for relayed in spec_as_is.relayed if relayed.name == "Envelope")
    root = relayed_part(envelope, "", envelope.tagged)
    octets = root.written("headers[0].text", b"\0\5hello")
    assert read_relayed(envelope, octets).value["headers"] == [{"name": "ab", "text": "hello"}]


def test_the_binding_of_a_spec_is_imported_without_disturbing_the_one_that_is_installed(spec_as_is):
    import wiretask_protocol

    before = sys.modules["wiretask_protocol"]
    with loaded(render(spec_as_is)) as binding:
        assert binding.protocol is not before
        assert binding.reference.WireError is binding.errors.WireError
    assert sys.modules["wiretask_protocol"] is before is wiretask_protocol


# -- their ids -------------------------------------------------------------------------------------------------------


def a_case(name: str, frame: str = "00", expect: dict | None = None, **more) -> dict:
    case = {"id": None, "name": name, "kind": "decode", "frame": frame, "expect": expect, "level": "MUST", "since": 1}
    return {**case, **more}


class Folder:
    """A folder of golden files with one file of cases."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, cases: list, retired: list) -> None:
        (self.root / "manifest.json").write_text(json.dumps({"files": ["All.json"]}))
        (self.root / "All.json").write_text(json.dumps({"cases": cases}))
        (self.root / "retired.json").write_text(json.dumps({"retired": retired}))

    def generate(self, *cases: dict, bless: bool = False) -> list[str]:
        """The ids that cases get; they are written if they are not refused."""
        register = identity.Register(self.root, "golden")
        register.name(list(cases))
        if not bless:
            register.check(cases)
        self.write(list(cases), register.retired)
        return [case["id"] for case in cases]

    def retired(self) -> list[str]:
        return [entry["id"] for entry in json.loads((self.root / "retired.json").read_text())["retired"]]


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


ERROR = {"error": "TRUNCATED", "field": "", "offset": 0}


def test_an_id_is_the_hash_of_the_first_name_and_stays(folder):
    first = folder.generate(a_case("a", "00"), a_case("b", "01"))
    assert len(set(first)) == 2
    assert folder.generate(a_case("b", "01"), a_case("a", "00")) == first[::-1]
    assert folder.retired() == []


def test_a_renamed_case_keeps_its_id(folder):
    first = folder.generate(a_case("a", "00"), a_case("b", "01"))
    assert folder.generate(a_case("c", "00"), a_case("b", "01")) == first


def test_two_cases_that_exchange_their_names_keep_their_ids(folder):
    first = folder.generate(a_case("a", "00"), a_case("b", "01"))
    assert folder.generate(a_case("b", "00"), a_case("a", "01")) == first


def test_the_name_of_a_case_that_was_renamed_is_free_and_its_id_is_not(folder):
    (first,) = folder.generate(a_case("a", "00"))
    assert folder.generate(a_case("b", "00"), a_case("a", "01"))[0] == first
    assert len(set(folder.generate(a_case("b", "00"), a_case("a", "01")))) == 2


def test_what_a_case_covers_and_where_it_lies_may_change(folder):
    first = folder.generate(a_case("a", at=0, covers=[]))
    assert folder.generate(a_case("a", at=9, covers=["x"], requires=["R"], map=[])) == first


CHANGES = {
    "other octets": {"frame": "ff"},
    "another error": {"expect": {**ERROR, "error": "BAD_ENUM"}},
    "another field": {"expect": {**ERROR, "field": "kind"}},
    "another offset": {"expect": {**ERROR, "offset": 1}},
    "it is legal now": {"expect": None},
    "another level": {"level": "SHOULD"},
    "another version": {"since": 2},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused_and_keeps_the_id_when_it_is_blessed(folder, change):
    first = folder.generate(a_case("a", expect=ERROR))
    with pytest.raises(
        SpecError, match=r"^golden/All.json:2: D001: a \(c-[0-9a-f]{10}\) would change from .* to .*--bless"
    ):
        folder.generate({**a_case("a", expect=ERROR), **CHANGES[change]})
    assert folder.generate({**a_case("a", expect=ERROR), **CHANGES[change]}, bless=True) == first
    assert folder.retired() == []


def test_another_value_of_a_legal_frame_is_refused(folder):
    folder.generate(a_case("a", value={"seq": "1"}))
    with pytest.raises(SpecError, match="D001"):
        folder.generate(a_case("a", value={"seq": "2"}))


def test_a_case_that_vanishes_is_refused_and_retires_its_id_when_it_is_blessed(folder):
    first = folder.generate(a_case("a", "00"), a_case("b", "01"))
    with pytest.raises(SpecError, match=r"^golden/All.json:3: D001: b \(c-[0-9a-f]{10}\) would vanish.*--bless"):
        folder.generate(a_case("a", "00"))
    assert folder.generate(a_case("a", "00"), bless=True) == first[:1]
    assert folder.retired() == first[1:]


def test_a_retired_id_is_never_used_again(folder):
    (_, gone) = folder.generate(a_case("a", "00"), a_case("b", "01"))
    folder.generate(a_case("a", "00"), bless=True)
    (_, again) = folder.generate(a_case("a", "00"), a_case("b", "01"))
    assert again != gone
    assert folder.generate(a_case("a", "00"), a_case("b", "01"))[1] == again
    assert folder.retired() == [gone]


def test_so_many_changes_are_not_all_shown(folder):
    folder.generate(*(a_case(f"a{number}", f"{number:02x}") for number in range(100)))
    with pytest.raises(SpecError) as refused:
        folder.generate()
    assert len(refused.value.problems) == 21
    assert "and 80 more" in str(refused.value)


# -- the gate --------------------------------------------------------------------------------------------------------


def everything(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_a_golden_case_changes_only_when_it_is_blessed_and_nothing_is_written_before(spec):
    root = spec.root.parent
    assert CliRunner().invoke(main, ["generate", "--root", str(root)]).exit_code == 0
    spec.edit("messages/10-credit.yaml", "00000008  # slots 8", "00000009  # slots 9")
    spec.edit("messages/10-credit.yaml", "slots: 8", "slots: 9")
    before = everything(root)
    refused = CliRunner().invoke(main, ["generate", "--root", str(root)])
    assert refused.exit_code == 1
    assert "D001: Credit/window (" in refused.output
    assert "would change from" in refused.output
    assert everything(root) == before
    assert CliRunner().invoke(main, ["generate", "--bless", "--root", str(root)]).exit_code == 0
    assert CliRunner().invoke(main, ["check", "--root", str(root)]).output == ""


@pytest.mark.slow
def test_generating_again_gives_the_same(spec_as_is):
    made = goldens.make(spec_as_is, render(spec_as_is), ROOT)
    made.check()
    assert {name for name, text in made.files.items() if (GOLDEN / name).read_bytes() != encoded(text)} == set()


def encoded(contents: str | bytes) -> bytes:
    return contents if isinstance(contents, bytes) else contents.encode()


# -- by hand ---------------------------------------------------------------------------------------------------------

PING = 'name: Hello/x, about: "A ping.", kind: decode'
FRAME = "030000000a03000000000000002a00"
QUIET = 'kind: stream, side: worker, state: accepted, limit: 65536, chunks: [""], end: false'
WRONG = {
    "not what the codec says": (
        f'{{{PING}, frame: "{FRAME}", expect: {{error: BAD_ENUM, field: kind, offset: 0}}}}',
        "D002",
    ),
    "legal and is not": (f'{{{PING}, frame: "0300000000", expect: legal}}', "D002"),
    "at another offset": (
        f'{{{PING}, frame: "0300000000", expect: {{error: TRUNCATED, field: kind, offset: 1}}}}',
        "D002",
    ),
    "of another stream": (f'{{name: s, about: "It.", {QUIET}, expect: {{frames: ["{FRAME}"]}}}}', "D002"),
    "without an about": (f'{{name: Hello/x, kind: decode, frame: "{FRAME}", expect: legal}}', "D003"),
    "of no kind": ('{name: x, about: "It.", kind: other}', "D003"),
    "without octets": (f"{{{PING}, expect: legal}}", "D003"),
    "with half an octet": (f'{{{PING}, frame: "030", expect: legal}}', "D003"),
    "with a key too many": (f'{{{PING}, frame: "{FRAME}", expect: legal, more: 1}}', "D003"),
    "with a word for an error": (f'{{{PING}, frame: "{FRAME}", expect: illegal}}', "D003"),
    "of no message": (f'{{name: Nothing/x, about: "It.", kind: decode, frame: "{FRAME}", expect: legal}}', "D003"),
    "of another message": (f'{{name: Task/x, about: "It.", kind: decode, frame: "{FRAME}", expect: legal}}', "D003"),
    "of no struct": ('{name: x, about: "It.", kind: relayed, struct: Nothing, octets: "00", expect: legal}', "D003"),
    "of no state": (
        f'{{name: s, about: "It.", {QUIET.replace("accepted", "asleep")}, expect: {{frames: []}}}}',
        "D003",
    ),
    "without a list": ("{}", "D003"),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", WRONG)
def test_a_case_by_hand_is_refused_with_its_line(spec, how):
    text, code = WRONG[how]
    (spec.root / by_hand.FILE).write_text(f"# by hand\ncases:\n  - {text}\n" if text != "{}" else "cases: {}\n")
    refused = CliRunner().invoke(main, ["generate", "--root", str(spec.root.parent)])
    assert refused.exit_code == 1
    line = 1 if text == "{}" else 3
    assert refused.output.startswith(f"spec/by_hand.yaml:{line}: {code}: ")
    assert not (spec.root.parent / "generated").exists()


@pytest.mark.slow
def test_a_name_by_hand_is_taken_once(spec):
    one = f'{{{PING}, frame: "{FRAME}", expect: legal}}'
    (spec.root / by_hand.FILE).write_text(f"cases:\n  - {one}\n  - {one}\n")
    refused = CliRunner().invoke(main, ["generate", "--root", str(spec.root.parent)])
    assert "spec/by_hand.yaml:3: D003: the name 'Hello/x' is taken" in refused.output


def test_a_spec_without_cases_by_hand_has_none(spec):
    (spec.root / by_hand.FILE).unlink()
    assert by_hand.load(spec.root) == []


def test_what_is_written_by_hand_is_there_with_its_reason(files):
    written = by_hand.load(ROOT / "spec")
    assert len(written) >= 20
    assert [case["about"] for case in files["by_hand.json"]["cases"]] == [case.case["about"] for case in written]
