"""The ledger: no number and no name of a release is ever given a second meaning."""

import pytest

from wiretask_codegen import evolution, ledger
from wiretask_codegen.load import load
from wiretask_codegen.problems import SpecError

TASK, AWAIT = "messages/01-task.yaml", "messages/15-await.yaml"
PROGRESS = (
    "tagged:\n  - {tag: 1, name: progress, type: bool, since: 1, on_old_peer: drop, about: Also send its Progress.}\n"
)

#: A second meaning, its code, what is said of it.
REFUSED = {
    "a tag for another field": (TASK, "name: cost,", "name: price,", "B002", "tags of Task: 1 was cost and is now price"),
    "a field under another tag": (AWAIT, "tag: 1, name: progress", "tag: 99, name: progress", "B003", "tags of Await: progress was 1 and is now 99"),
    "a value for another name": ("types.yaml", "suspect: {value: 15", "doubted: {value: 15", "B002", "values of WaitReason: 15 was suspect and is now doubted"),
    "a bit for another flag": ("types.yaml", "repeat: {bit: 2", "again: {bit: 2", "B002", "bits of SubmitFlags: 2 was repeat and is now again"),
    "a code for another error": ("errors.yaml", "UNKNOWN_SCHEDULE: {code: 415", "NO_SCHEDULE: {code: 415", "B002", "errors: 415 was UNKNOWN_SCHEDULE and is now NO_SCHEDULE"),
    "an error with another code": ("errors.yaml", "UNKNOWN_SCHEDULE: {code: 415", "UNKNOWN_SCHEDULE: {code: 499", "B003", "errors: UNKNOWN_SCHEDULE was 415 and is now 499"),
    "a reserved command for another name": ("protocol.yaml", "{number: 23, name: Part,", "{number: 23, name: Piece,", "B002", "commands: 23 was Part and is now Piece"),
    "an id of a rule for a requirement": (AWAIT, "id: R-AWT-001", "id: R-AUT-001", "L019", "used at"),
}  # fmt: skip


@pytest.fixture
def released(spec):
    whole = load(spec.root)
    evolution.release(whole, 1, spec.root)
    ledger.write(whole, spec.root, release=True)
    spec.edit("protocol.yaml", "1: {status: draft}", "1: {status: released}\n  2: {status: draft}")
    return spec


@pytest.mark.parametrize("case", REFUSED)
def test_no_number_and_no_name_gets_a_second_meaning(released, case):
    name, old, new, code, text = REFUSED[case]
    line = released.edit(name, old, new)
    with pytest.raises(SpecError) as caught:
        load(released.root)
    found = [problem for problem in caught.value.problems if problem.code == code]
    assert found, str(caught.value)
    assert text in found[0].text
    if not name.startswith("protocol"):
        assert (found[0].file, found[0].line) == (f"spec/{name}", line)


def test_a_retired_number_comes_back_to_nobody_else(released):
    released.edit(AWAIT, PROGRESS, "reserved:\n  - {number: 1, name: progress, about: Used by version 1.}\n")
    load(released.root)
    tag = "tagged:\n  - {tag: 1, name: colour, type: u8, since: 2, on_old_peer: drop, about: Its colour.}\n"
    released.edit(AWAIT, "reserved:\n", tag + "reserved:\n")
    with pytest.raises(SpecError) as caught:
        load(released.root)
    assert {problem.code for problem in caught.value.problems} == {"E03", "L003"}


def test_what_was_released_stays_when_it_is_gone(released):
    before, _ = ledger.load(released.root)
    released.edit("messages/14-status.yaml", "tag: 14, name: deliveries", "tag: 99, name: times")
    ledger.write(load(released.root, released=False), released.root)
    after, draft = ledger.load(released.root)
    assert after == before
    assert draft == {"tags of Status": {"99": "times"}}


def test_a_draft_may_change_its_mind(spec):
    ledger.write(load(spec.root), spec.root)
    spec.edit(AWAIT, "name: progress,", "name: news,")
    ledger.write(load(spec.root), spec.root)
    assert ledger.load(spec.root)[1]["tags of Await"] == {"1": "news"}


def test_a_released_entry_that_is_missing_is_restored_and_not_forgotten(released):
    released.edit("ledger.yaml", "  tags of Await:\n    1: progress\n", "")
    with pytest.raises(SpecError, match=r"ledger\.yaml:1: B001: tags of Await: 1, progress, of version 1 is not here"):
        load(released.root)


def test_a_ledger_that_is_none_is_refused(spec):
    (spec.root / "ledger.yaml").write_text("- nothing\n")
    with pytest.raises(SpecError, match=r"spec/ledger\.yaml:1: S105"):
        load(spec.root)
    (spec.root / "ledger.yaml").write_text("released: {}\ndraft: {}\nelse: {}\n")
    with pytest.raises(SpecError, match=r"spec/ledger\.yaml:3: S101"):
        load(spec.root)


def test_the_ledger_knows_every_kind(spec):
    (spec.root / "ledger.yaml").unlink()
    whole = load(spec.root)
    assert ledger.stale(whole, spec.root)
    assert ledger.write(whole, spec.root)
    assert not ledger.write(whole, spec.root)
    assert not ledger.stale(whole, spec.root)
    released, draft = ledger.load(spec.root)
    assert released == {}
    assert draft["commands"]["23"] == "Part"
    assert draft["errors"]["101"] == "UNKNOWN_COMMAND"
    assert draft["tags of Envelope"]["1"] == "headers"
    assert draft["bits of SubmitFlags"] == {"0": "want_result", "1": "want_progress", "2": "repeat"}
    assert (draft["ids"]["R-HEL-005"], draft["ids"]["R-TSK-001"]) == ("rule", "requirement")


def test_a_release_moves_the_draft_over(released):
    kept, draft = ledger.load(released.root)
    assert draft == {}
    assert kept["commands"]["1"] == "Task"
