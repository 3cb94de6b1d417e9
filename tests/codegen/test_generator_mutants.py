"""The generator, broken in one place each: what it makes then must fail a golden case, and the table says which ones.

`generator_mutants.json` names the first three cases that kill each mutant; `pytest --mutants THIS_FILE` writes it anew.
Both codecs are asked, and that they differ is as red as a wrong answer.
"""

import importlib
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from wiretask_codegen import python
from wiretask_codegen.load import load
from wiretask_conformance import golden
from wiretask_conformance.spec import load as load_spec

sys.path.insert(0, str(Path(__file__).parent))

from private_package import PUBLIC, imported

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT / "codegen" / "wiretask_codegen"
ADAPTER = ROOT / "conformance" / "implementations" / "python" / "codec.py"
TABLE = Path(__file__).with_name("generator_mutants.json")
#: What the adapter needs; the examples and the strategies it does not.
MODULES = (
    "__init__",
    "_bounded",
    "codec",
    "connection",
    "errors",
    "fast",
    "limits",
    "machines",
    "messages",
    "reference",
)

BOUNDED, REFERENCE, FAST, CONNECTION, MACHINES = (
    f"templates/{name}.py.j2" for name in ("_bounded", "reference", "fast", "connection", "machines")
)
READING, WRITING, GUARDS = "reading.py", "writing.py", "guardcode.py"

#: What is broken -> the file, below codegen/wiretask_codegen/python (or layout.py beside it), a text in it and another.
MUTANTS = {
    # -- the reference codec: what each of its parts refuses --
    "no greatest number": (BOUNDED, "if not self.minimum <= value <= self.maximum:", "if not self.minimum <= value:"),
    "no least number": (BOUNDED, "if not self.minimum <= value <= self.maximum:", "if not value <= self.maximum:"),
    "the greatest number is too great": (BOUNDED, "self.minimum <= value <= self.maximum", "self.minimum <= value < self.maximum"),
    "the least number is too small": (BOUNDED, "self.minimum <= value <= self.maximum", "self.minimum < value <= self.maximum"),
    "numbers are little-endian": (BOUNDED, 'int.from_bytes(take(stream, self.octets, path, at), "big")', 'int.from_bytes(take(stream, self.octets, path, at), "little")'),
    "numbers are written little-endian": (BOUNDED, 'to_bytes(self.octets, "big")', 'to_bytes(self.octets, "little")'),
    "a bool may be 2": (BOUNDED, "super().__init__(1, 0, 1)", "super().__init__(1, 0, 2)"),
    "closed enums are open": (BOUNDED, "            raise WireError(ErrorCode.BAD_ENUM, field_of(path), at) from None", "            return value"),
    "an unknown value of a closed enum is out of range": (BOUNDED, "ErrorCode.BAD_ENUM", "ErrorCode.OUT_OF_RANGE"),
    "flags without a name": (BOUNDED, "if value & ~self.mask:", "if False:"),
    "no greatest length": (BOUNDED, "if not self.minimum <= len(octets) <= self.maximum:", "if not self.minimum <= len(octets):"),
    "no least length": (BOUNDED, "if not self.minimum <= len(octets) <= self.maximum:", "if not len(octets) <= self.maximum:"),
    "the greatest length is too long": (BOUNDED, "self.minimum <= len(octets) <= self.maximum", "self.minimum <= len(octets) < self.maximum"),
    "texts of any octets": (BOUNDED, 'octets.decode("utf-8")', 'octets.decode("utf-8", "replace")'),
    "NUL in texts": (BOUNDED, 'if "\\0" in text:', "if False:"),
    "no pattern": (BOUNDED, "if self.pattern is not None and", "if False and"),
    "a pattern need only begin": (BOUNDED, "self.pattern.fullmatch(text)", "self.pattern.match(text)"),
    "lists of any length": (BOUNDED, "if count > self.maximum:", "if False:"),
    "the longest list is too long": (BOUNDED, "if count > self.maximum:", "if count >= self.maximum:"),
    "no rules of structs": (BOUNDED, "if self.rules is not None and self.rules(value):", "if False:"),
    "lengths that reach beyond the end": (BOUNDED, "        if length > left:\n", "        if False:\n"),
    "fields that are cut": (BOUNDED, "if octets > remaining(stream):", "if False:"),
    "octets left over in a tag": (BOUNDED, "        if remaining(stream):\n            raise WireError(ErrorCode.TAG_LENGTH, field_of(path), at)\n        return value\n\n    def build(", "        return value\n\n    def build("),
    "octets left over in a relayed struct in a tag": (BOUNDED, "        if remaining(stream):\n            raise WireError(ErrorCode.TAG_LENGTH, field_of(path), at)\n        return value\n\n    def _build(", "        return value\n\n    def _build("),
    "a short tag is cut": (BOUNDED, "            value = self.value._parse(stream, context, path)\n        except WireError as error:\n            if error.code is ErrorCode.TRUNCATED:", "            value = self.value._parse(stream, context, path)\n        except WireError as error:\n            if False:"),
    "tags in any order": (BOUNDED, "if number <= last:", "if False:"),
    "a tag may come twice": (BOUNDED, "if number <= last:", "if number < last:"),
    "a tag that reaches beyond the end": (BOUNDED, "if length > remaining(stream):", "if False:"),
    "critical tags are kept": (BOUNDED, "elif number >= 0x8000:", "elif number > 0xFFFF:"),
    "critical tags in any relayed struct": (BOUNDED, "if number >= 0x8000 and not self.critical:", "if False:"),
    "unknown tags are dropped": (BOUNDED, '        if unknown:\n            found["unknown"]', '        if False:\n            found["unknown"]'),
    "the count of tags has two octets": (BOUNDED, "int.from_bytes(take(stream, 1, path, stream.tell())", "int.from_bytes(take(stream, 2, path, stream.tell())"),
    "octets left over": (BOUNDED, "return stream.tell() if remaining(stream) else None", "return None"),
    "the offset of what a length says": (BOUNDED, "return self.refine(stream.read(length), path, at)", "return self.refine(stream.read(length), path, stream.tell())"),
    "the offset within a tag": (BOUNDED, "return super().tell() + self.offset", "return super().tell()"),
    "the offset of left over octets": (REFERENCE, 'parsed["_end"])', 'parsed["_end"] + 1)'),
    "the way to a field": (BOUNDED, 'return ".".join(', 'return "/".join('),
    "the index of an item": (BOUNDED, 'self.item._parse(stream, context, f"{path}[{index}]")', 'self.item._parse(stream, context, f"{path}[{index + 1}]")'),
    "the field of left over octets": (REFERENCE, 'ErrorCode.TRAILING_BYTES, ""', 'ErrorCode.TRAILING_BYTES, "tags"'),
    "no rules when reading": (REFERENCE, 'broken = rules(value, len(tags) - ("unknown" in tags) + len(tags.get("unknown", ())))', "broken = None"),
    "no rules when writing": (REFERENCE, "broken = rules(value, _tag_count(declared, fields))", "broken = None"),
    "unknown tags do not count": (REFERENCE, ' + len(tags.get("unknown", ()))', ""),
    "the length counts the header": (REFERENCE, "len(payload).to_bytes", "(len(payload) + 5).to_bytes"),
    "the reference bounds of numbers": ("reference.py", "        case IntegerType(integer=integer, minimum=minimum, maximum=maximum):\n            octets = WIDTHS[integer]\n", "        case IntegerType(integer=integer):\n            octets = WIDTHS[integer]\n            minimum, maximum = 0, (1 << 8 * octets) - 1\n"),
    "the reference bound of lists": ("reference.py", "{names.of(item)}, {maximum})", "{names.of(item)}, {maximum + 1})"),
    # -- the fast codec: what it must doubt --
    "the fast numbers are little-endian": (FAST, '= struct.Struct(">{{ run.format }}")', '= struct.Struct("<{{ run.format }}")'),
    "the fast tags are little-endian": (FAST, '_TAG = struct.Struct(">HI")', '_TAG = struct.Struct("<HI")'),
    "fast bools may be 2": (FAST, "_BOOLEANS = {0: False, 1: True}", "_BOOLEANS = {0: False, 1: True, 2: True}"),
    "fast NUL in texts": (FAST, "    if not minimum <= len(octets) <= maximum or 0 in octets:\n        raise Doubt\n    return octets.decode", "    if not minimum <= len(octets) <= maximum:\n        raise Doubt\n    return octets.decode"),
    "fast texts of any length": (FAST, "    if not minimum <= len(octets) <= maximum or 0 in octets:\n        raise Doubt\n    return octets.decode", "    if 0 in octets:\n        raise Doubt\n    return octets.decode"),
    "fast texts of any octets": (FAST, '    return octets.decode("utf-8")', '    return octets.decode("utf-8", "replace")'),
    "no fast pattern": (FAST, "if _NAME_PATTERN.fullmatch(name) is None:", "if False:"),
    "fast names of any length": (FAST, "if not {{ name.minimum }} <= len(octets) <= {{ name.maximum }} or 0 in octets:", "if 0 in octets:"),
    "fast tags in any order": (FAST, "if number <= last or end > stop:", "if end > stop:"),
    "fast critical tags are kept": (FAST, "elif number >= 0x8000:", "elif number > 0xFFFF:"),
    "fast tags of relayed structs in any order": (FAST, "if not last < number <= highest or at > stop:", "if not number <= highest or at > stop:"),
    "fast critical tags in any relayed struct": (READING, '"0xFFFF" if part.critical_tags else "0x7FFF"', '"0xFFFF"'),
    "fast octets left over": (FAST, "            if at != stop:\n                raise Doubt\n            return {{ part.name }}", "            return {{ part.name }}"),
    "fast octets left over without tags": (FAST, "        if at != stop:\n            raise Doubt\n        return {{ part.name }}", "        return {{ part.name }}"),
    "no fast rules": (FAST, "if at != stop or not _{{ snake(part.name) }}_rules(value, _count):", "if at != stop:"),
    "no fast rules of structs": (FAST, '    value = {{ part.name }}({{ part.fields|map(attribute="name")|join(", ") }})\n{% for rule in part.rules %}\n    if {{ broken(rule) }}:', '    value = {{ part.name }}({{ part.fields|map(attribute="name")|join(", ") }})\n{% for rule in part.rules %}\n    if False:'),
    "fast relayed structs of any length": (READING, 'return f"{body} + _length != stop or _length > {BODY_MAXIMUM}"', 'return "False"'),
    "no fast greatest number": (READING, 'f"{value} > {maximum}"', '"False"'),
    "the fast greatest number is too great": (READING, 'f"{value} > {maximum}"', 'f"{value} >= {maximum}"'),
    "no fast least number": (READING, 'f"{value} < {minimum}"', '"False"'),
    "fast flags without a name": (READING, 'return f"{value} & ~{mask:#x}"', "return None"),
    "fast closed enums are open": (READING, 'return f"{members_name(enum)}[{value}]"', "return value"),
    "the fast longest list is too long": (READING, 'yield f"if {count} > {type_.maximum}:"', 'yield f"if {count} >= {type_.maximum}:"'),
    "fast octets left over in a tag": (READING, '    yield "if at != stop:"\n    yield "    raise Doubt"\n    yield "return value"', '    yield "return value"'),
    "a relayed struct in a tag is not looked at": (READING, '            yield f"_check_{snake(relayed.name)}(data, at, stop)"\n', ""),
    "long lists in tags are written fast": (WRITING, 'yield f"if len(value) > {maximum}:"', 'yield "if False:"'),
    "octets of any length are written fast": (WRITING, 'return f"len({value}) != {size}"', "return None"),
    "broken rules are written fast": (WRITING, "if message is not None and message.rules:", "if False:"),
    "the fast length is one less": (WRITING, 'return " + ".join([str(fixed),', 'return " + ".join([str(fixed - 1),'),
    # -- what both have in common --
    "u32 is signed": ("layout.py", '"u32": "I"', '"u32": "i"'),
    "lists have a count of one octet": ("layout.py", '            return "u16"', '            return "u8"'),
    "guards without their not": (GUARDS, 'return f"not ({condition(inner)})"', "return condition(inner)"),
    "guards with or for and": (GUARDS, 'return " and ".join', 'return " or ".join'),
    "guards with and for or": (GUARDS, 'return " or ".join', 'return " and ".join'),
    "rules that always hold": (GUARDS, 'require = f"not ({condition(rule.require)})"', 'require = "False"'),
    "rules without their condition": (GUARDS, "return require if rule.when is None else", "return require if True else"),
    # -- the connection --
    "the header is little-endian": (CONNECTION, '_HEADER = struct.Struct(">BI")', '_HEADER = struct.Struct("<BI")'),
    "a frame at its limit is too large": (CONNECTION, "if length > limit:", "if length >= limit:"),
    "no limit of a frame": (CONNECTION, "if length > limit:", "if False:"),
    "grease is not skipped": (CONNECTION, 'frozenset({"skippable", "grease"})', 'frozenset({"skippable"})'),
    "ranges of commands are one shorter": ("backend.py", "range(item.first, item.last + 1)", "range(item.first, item.last)"),
    "states keep whatever comes": (MACHINES, 'if target else "None" }},', 'if target else prefix(machine) ~ "State." ~ constant(state.name) }},'),
}  # fmt: skip

PROTOCOL, TYPES = "protocol.yaml", "types.yaml"
TASK, HELLO, SUBMIT = (f"messages/{name}.yaml" for name in ("01-task", "03-hello", "07-submit"))

#: The same for the spec: a bound, a limit or a value -> file, text, other text.
SPEC_MUTANTS = {
    "a longer Name": (TYPES, "max_bytes: 128\n", "max_bytes: 129\n"),
    "a shorter Name": (TYPES, "max_bytes: 128\n", "max_bytes: 127\n"),
    "an empty Name": (TYPES, "min_bytes: 1\n", "min_bytes: 0\n"),
    "a Name that begins with a dot": (TYPES, "[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*", "[A-Za-z0-9_.][A-Za-z0-9_.:/@+-]*"),
    "a shorter ShortText": (TYPES, "max_bytes: 1024\n", "max_bytes: 1023\n"),
    "a lease of 0 that is held": (TYPES, "name: lease, type: Lease, min: 1, about: The lease.", "name: lease, type: Lease, about: The lease."),
    "a version of 0": (TYPES, "name: min_version, type: u16, min: 1", "name: min_version, type: u16"),
    "a jitter of more than 1": (TYPES, "max: 1000, about", "max: 1001, about"),
    "a smaller factor": (TYPES, "min: 1000, about", "min: 999, about"),
    "one label less": (TYPES, "type: list<Name>, max_items: 64", "type: list<Name>, max_items: 63"),
    "a new value of a closed enum": (TYPES, "      proof: {value: 2,", "      more: {value: 3, about: More.}\n      proof: {value: 2,"),
    "a new flag": (TYPES, "      repeat: {bit: 2,", "      more: {bit: 3, about: More.}\n      repeat: {bit: 2,"),
    "critical tags in a Report": (TYPES, "    critical_tags: false\n", ""),
    "versions upside down": (TYPES, "require: min_version <= max_version", "require: min_version <= max_version or min_version > 1"),
    "a priority of 10": (SUBMIT, "type: u8, max: 9", "type: u8, max: 10"),
    "an attempt of 0": (TASK, "name: attempt, type: u16, min: 1", "name: attempt, type: u16"),
    "a longer heartbeat": (HELLO, "type: Millis, min: 100, max: 600000", "type: Millis, min: 100, max: 600001"),
    "a ping with a tag": (HELLO, "require: tag_count == 0", "require: tag_count <= 1"),
    "an open without a role": (HELLO, "require: present versions and present role", "require: present versions"),
    "a critical tag": (HELLO, "tag: 12, name: name, type: ShortText, since: 1, on_old_peer: drop", "tag: 0x80fe, name: more, type: ShortText, since: 1, on_old_peer: fail, about: More.}\n  - {tag: 12, name: name, type: ShortText, since: 1, on_old_peer: drop"),
    "a shorter handshake": (PROTOCOL, "    value: 4096\n    unit: bytes\n    error: FRAME_TOO_LARGE", "    value: 4095\n    unit: bytes\n    error: FRAME_TOO_LARGE"),
    "skippable commands that are required": (PROTOCOL, "to: 0xbf, kind: skippable", "to: 0xbf, kind: required"),
    "a goodbye that is not the end": ("machines.yaml", "      - {from: client, on: Goodbye, to: closed}\n", "      - {from: client, on: Goodbye, to: stay}\n"),
}  # fmt: skip


def golden_cases():
    """Every golden case: its name, what is asked, and what must be answered."""
    for case in golden.load(load_spec(), 1):
        yield SimpleNamespace(name=case.name, requests=case.requests, expected=case.expected)


@pytest.fixture(scope="module")
def cases():
    return {case.name: case for case in golden_cases()}


@pytest.fixture(scope="module")
def table(request):
    """The killers of each mutant; with --mutants they are collected anew, and written at the end."""
    if not request.config.getoption("--mutants"):
        yield json.loads(TABLE.read_text())
        return
    collected = {}
    yield collected
    order = [*MUTANTS, *SPEC_MUTANTS]
    lines = [f" {json.dumps(name)}: {json.dumps(collected[name])}" for name in sorted(collected, key=order.index)]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def is_red(case, adapter) -> bool:
    """Whether a codec fails a case, in whatever way."""
    for request in case.requests:
        try:
            answer = adapter.answer(request)
        except Exception:
            return True
        if "error" in case.expected:
            refused = "unrepresentable" in answer or all(answer.get(key) == case.expected[key] for key in case.expected)
            if not refused:
                return True
        elif any(answer.get("ok", {}).get(key) != value for key, value in case.expected["ok"].items()):
            return True
    return False


#: Which modules each part of the generator has a say in; all others are taken from the whole one.
SAYS: dict[str, tuple[str, ...]] = {
    READING: ("fast",),
    WRITING: ("fast",),
    "layout.py": ("fast",),
    "reference.py": ("reference",),
}
SAYS |= {GUARDS: ("fast", "reference"), "backend.py": ("connection", "fast", "reference")}


def hold(files, name, cases, table, monkeypatch) -> None:
    """Whether the cases of the table kill what was generated; or which ones do, if that is to be written."""
    monkeypatch.setenv("WIRETASK_CODEC", "both")
    with imported(files, "mutant") as package:
        assert package.codec.MODE == "both"
        adapter = ModuleType("mutant_adapter")
        exec(ADAPTER.read_text().replace(PUBLIC, "mutant"), adapter.__dict__)
        if name not in table:
            # The counts of tags come last: their names are others as soon as a message has one tag more.
            lasting = sorted(cases.values(), key=lambda case: "/tags.count/" in case.name)
            red = (case.name for case in lasting if is_red(case, adapter))
            table[name] = [killer for _, killer in zip(range(3), red, strict=False)]
        assert table[name], f"no case kills {name}"
        for killer in table[name]:
            assert is_red(cases[killer], adapter), f"{killer} does not kill {name} any more"


@pytest.fixture
def generator(tmp_path, monkeypatch):
    """A copy of the Python backend that can be broken: a function of a file, a text and another, that gives render."""
    name = "broken_generator"
    folder = tmp_path / name
    shutil.copytree(GENERATOR / "python", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(GENERATOR / "layout.py", folder)

    def make(file, old, new):
        text = (folder / file).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}; mend the table of mutants"
        (folder / file).write_text(text.replace(old, new))
        for path in folder.glob("*.py"):
            text = path.read_text().replace("wiretask_codegen.python", name)
            path.write_text(text.replace("wiretask_codegen.layout", f"{name}.layout"))
        backend = importlib.import_module(f"{name}.backend")
        monkeypatch.setattr(backend, "MODULES", SAYS.get(file) or (Path(file).name.partition(".")[0],))
        return backend.render

    monkeypatch.syspath_prepend(tmp_path)
    yield make
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


@pytest.fixture(scope="module")
def whole():
    """The spec as it is, and what is rendered of it."""
    spec = load(ROOT / "spec")
    return spec, python.render(spec)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_golden_case_kills_each_mutant_of_the_generator(name, generator, whole, cases, table, monkeypatch):
    file, old, new = MUTANTS[name]
    hold({**whole[1], **generator(file, old, new)(whole[0])}, name, cases, table, monkeypatch)


@pytest.mark.parametrize("name", SPEC_MUTANTS)
def test_a_golden_case_kills_each_mutant_of_the_spec(name, spec, cases, table, monkeypatch):
    spec.edit(*SPEC_MUTANTS[name])
    monkeypatch.setattr(python.backend, "MODULES", MODULES)
    hold(python.render(load(spec.root)), name, cases, table, monkeypatch)


def test_no_case_of_the_table_is_red_without_a_mutant(whole, cases, monkeypatch):
    killers = {name for names in json.loads(TABLE.read_text()).values() for name in names}
    monkeypatch.setenv("WIRETASK_CODEC", "both")
    with imported(whole[1], "mutant"):
        adapter = ModuleType("adapter")
        exec(ADAPTER.read_text().replace(PUBLIC, "mutant"), adapter.__dict__)
        assert not {name for name in killers if is_red(cases[name], adapter)}


def test_the_table_names_every_mutant_and_no_other():
    assert list(json.loads(TABLE.read_text())) == [*MUTANTS, *SPEC_MUTANTS]
