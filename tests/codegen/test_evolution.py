"""What may follow on a released version, and what may not: for each rule an edit that is refused and one that passes."""

import json

import pytest

from wiretask_codegen import evolution, ledger
from wiretask_codegen.load import load
from wiretask_codegen.problems import SpecError

TASK, SUBMIT = "messages/01-task.yaml", "messages/07-submit.yaml"
NEW_TAG = "  - {tag: 3, name: colour, type: u8, since: %d, on_old_peer: drop, about: Its colour.}\nrelay: Envelope\n"

REFUSED = {
    "a struct that is gone": ("E01", "types.yaml", "  HeldLease:\n", "  HeldLeases:\n", "messages/19-resume.yaml"),
    "a fixed field with another type": ("E02", TASK, "name: attempt, type: u16", "name: attempt, type: u32", None),
    "a fixed field with other bounds": ("E02", SUBMIT, "type: u8, max: 9", "type: u8, max: 8", None),
    "a fixed field with another name": ("E02", TASK, "name: attempt,", "name: try_number,", None),
    "a fixed field more": (
        "E02", TASK, "tagged:\n", "  - {name: extra, type: u8, about: One more.}\ntagged:\n", None,
    ),
    "a tag with another type": ("E03", TASK, "name: cost, type: u16", "name: cost, type: u32", None),
    "a tag with another name": ("E03", TASK, "name: cost,", "name: price,", None),
    "a tag that is gone": ("E03", "messages/15-await.yaml", "tag: 1, name: progress", "tag: 2, name: progress", None),
    "a new tag of an old version": ("E04", TASK, "relay: Envelope\n", NEW_TAG % 1, None),
    "a closed enum with another value": (
        "E05", "types.yaml", "      delete: {value: 2, about: Remove it.}", "      delete: {value: 2, about: Remove it.}\n      keep: {value: 3, about: Keep it.}", None,
    ),
    "an open enum with a value renumbered": ("E06", "types.yaml", "lost: {value: 18,", "lost: {value: 19,", None),
    "an error with another code": ("E07", "errors.yaml", "RESERVED_NAME: {code: 416,", "RESERVED_NAME: {code: 417,", None),
    "an error with other advice": ("E07", "errors.yaml", "code: 416, scope: request, retry: never", "code: 416, scope: request, retry: later", None),
    "a message with another command": ("E08", "messages/13-query.yaml", "sequenced: true\n", "sequenced: false\n", None),
    "a message with another flow": ("E08", "messages/05-auth.yaml", ", client -> scheduler]", "]", None),
    "a limit with another value": ("E09", "protocol.yaml", "value: 100000", "value: 200000", None),
    "a machine with another transition": ("E10", "machines.yaml", "- {from: leased, on: cancel, to: stay}", "- {from: leased, on: cancel, to: ready}", None),
    "a requirement with another level": ("E11", TASK, "id: R-TSK-004, level: MUST", "id: R-TSK-004, level: SHOULD", None),
    "an enum with another integer": ("E13", "types.yaml", "    about: How hard to cancel.\n    repr: u8", "    about: How hard to cancel.\n    repr: u16", None),
}  # fmt: skip

ALLOWED = {
    "another text of a field": (TASK, "about: The task.}", "about: The task to run.}"),
    "a new tag of a new version": (TASK, "relay: Envelope\n", NEW_TAG % 2),
    "a new value of an open enum": (
        "types.yaml",
        "      lost: {value: 18,",
        "      paused: {value: 19, since: 2, about: Stopped for now.}\n      lost: {value: 18,",
    ),
    "another text of an error": (
        "errors.yaml",
        "the queue is full; submit later",
        "the queue is full; submit it later",
    ),
    "a new error": (
        "errors.yaml",
        "  RESERVED_NAME:",
        "  NEW_ONE: {code: 417, scope: request, retry: never, text: something new}\n  RESERVED_NAME:",
    ),
    "a new limit": (
        "protocol.yaml",
        "  loss_limit:\n",
        "  new_limit:\n    about: Something new.\n    value: 3\n    unit: things\n  loss_limit:\n",
    ),
    "a new requirement": (
        TASK,
        "  - {id: R-TSK-004,",
        "  - {id: R-TSK-005, level: MUST, about: Something new.}\n  - {id: R-TSK-004,",
    ),
}


@pytest.fixture
def released(spec):
    """A copy of the spec whose version 1 is released."""
    evolution.release(load(spec.root), 1, spec.root)
    ledger.write(load(spec.root), spec.root)
    spec.edit("protocol.yaml", "1: {status: draft}", "1: {status: released}\n  2: {status: draft}")
    return spec


@pytest.mark.parametrize("case", REFUSED)
def test_a_released_version_keeps_its_promises(released, case):
    code, name, old, new, also = REFUSED[case]
    released.edit(name, old, new)
    if also is not None:
        released.edit(also, "list<HeldLease>", "list<HeldLeases>")
    with pytest.raises(SpecError) as caught:
        evolution.check(load(released.root), released.root)
    found = [problem for problem in caught.value.problems if problem.code == code]
    assert found, str(caught.value)
    assert found[0].text.endswith(evolution.RULES[code])
    assert found[0].file.startswith("spec/")


@pytest.mark.parametrize("case", ALLOWED)
def test_what_is_new_is_allowed(released, case):
    released.edit(*ALLOWED[case])
    evolution.check(load(released.root), released.root)


def test_the_refusal_names_the_line_of_the_field(released):
    line = released.edit(TASK, "name: attempt, type: u16", "name: attempt, type: u32")
    with pytest.raises(SpecError, match=rf"spec/messages/01-task\.yaml:{line}: E02"):
        evolution.check(load(released.root), released.root)


def test_an_edited_lock_is_refused(released):
    lock = released.root / "released" / "v1.json"
    lock.write_text(lock.read_text().replace('"u64"', '"u32"', 1))
    with pytest.raises(SpecError, match=r"spec/released/v1.json:1: E12"):
        evolution.check(load(released.root), released.root)


def test_a_version_is_released_once(released):
    with pytest.raises(SpecError, match="E12"):
        evolution.release(load(released.root), 1, released.root)


def test_a_version_that_is_not_in_the_spec_is_not_released(spec):
    with pytest.raises(SpecError, match="E14"):
        evolution.release(load(spec.root), 7, spec.root)


def test_a_version_that_is_said_to_be_released_has_a_lock(spec):
    spec.edit("protocol.yaml", "1: {status: draft}", "1: {status: released}")
    with pytest.raises(SpecError, match="E14"):
        evolution.check(load(spec.root), spec.root)


def test_a_lock_holds_the_spec_and_its_digest(released):
    lock = json.loads((released.root / "released" / "v1.json").read_text())
    assert lock["version"] == 1
    assert len(lock["sha256"]) == 64
    assert "Submit" in lock["spec"]["messages"]


def test_the_ledger_gives_no_number_a_second_name(released):
    released.edit(TASK, "name: cost,", "name: price,")
    with pytest.raises(SpecError, match="B002: tags of Task: 1 was cost and is now price"):
        ledger.check(load(released.root), released.root)


def test_the_ledger_gives_no_name_a_second_number(released):
    released.edit("messages/15-await.yaml", "tag: 1, name: progress", "tag: 2, name: progress")
    with pytest.raises(SpecError, match="B003: tags of Await: progress was 1 and is now 2"):
        ledger.check(load(released.root), released.root)


def test_the_ledger_keeps_what_was_released_and_is_gone(released):
    released.edit(TASK, "tag: 1, name: cost", "tag: 9, name: costs")
    ledger.write(load(released.root), released.root)
    assert ledger.load(released.root)["tags of Task"] == {"1": "cost", "2": "resources", "9": "costs"}


def test_a_draft_may_change_its_mind(spec):
    ledger.write(load(spec.root), spec.root)
    spec.edit(TASK, "name: cost,", "name: price,")
    ledger.check(load(spec.root), spec.root)
    ledger.write(load(spec.root), spec.root)
    assert ledger.load(spec.root)["tags of Task"] == {"1": "price", "2": "resources"}
