"""PROTOCOL.md says everything that the spec says, and its links lead somewhere."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from wiretask_codegen.docs.words import anchor
from wiretask_codegen.load import load

ROOT = Path(__file__).parents[2]
SPEC = load(ROOT / "spec")
DOCUMENT = (ROOT / "generated" / "docs" / "PROTOCOL.md").read_text()


@pytest.mark.parametrize("message", SPEC.messages, ids=lambda message: message.name)
def test_a_message_is_said_with_all_that_it_has(message):
    section = DOCUMENT.split(f"\n### {message.name}\n")[1].split("\n### ")[0]
    for field in message.fields:
        assert f"| {field.name} |" in section
    for tag in message.tagged:
        assert f"| {tag.tag} | {tag.name} |" in section
    for item in (*message.rules, *message.requirements):
        assert item.id in section
    assert section.count("command " + str(message.command)) >= len(message.examples) >= 1


@pytest.mark.parametrize("error", SPEC.errors, ids=lambda error: error.name)
def test_an_error_is_said_with_its_remedy(error):
    assert f"| {error.code} | {error.name} | {error.scope} | {error.retry} | {error.text} |" in DOCUMENT


def test_every_limit_type_and_requirement_is_said():
    for limit in SPEC.limits:
        assert f"| {limit.name} | {limit.value} |" in DOCUMENT
    for part in (*SPEC.newtypes, *SPEC.enums, *SPEC.flags, *SPEC.structs, *SPEC.relayed, *SPEC.machines):
        assert f"\n### {part.name}\n" in DOCUMENT
    assert DOCUMENT.count("[R-") == sum(len(message.requirements) for message in SPEC.messages)


def test_links_lead_to_headings():
    headings = {anchor(line.lstrip("# ")) for line in DOCUMENT.splitlines() if line.startswith("#")}
    ids = set(re.findall(r'<a id="([^"]+)"', DOCUMENT))
    targets = set(re.findall(r"\]\(#([^)]+)\)", DOCUMENT))
    assert targets <= headings | ids, targets - headings - ids


@pytest.mark.parametrize("machine", SPEC.machines, ids=lambda machine: machine.name)
def test_a_machine_has_a_picture_of_all_its_states(machine):
    assert f"({machine.name}.svg)" in DOCUMENT
    root = ET.parse(ROOT / "generated" / "docs" / f"{machine.name}.svg").getroot()
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {state.name for state in machine.states} <= texts
