"""What may follow on a released version, and what may not: each rule has edits that are refused, and near misses."""

import copy
import json
import re

import pytest

from wiretask_codegen import evolution, ledger
from wiretask_codegen.differences import differences
from wiretask_codegen.load import load
from wiretask_codegen.normal import frozen
from wiretask_codegen.problems import Problems, SpecError

TASK, AWAIT, AUTH, HELLO = (f"messages/{name}.yaml" for name in ("01-task", "15-await", "05-auth", "03-hello"))
SUBMIT, QUERY, RESUME = (f"messages/{name}.yaml" for name in ("07-submit", "13-query", "19-resume"))
TYPES, ERRORS, MACHINES, PROTOCOL = "types.yaml", "errors.yaml", "machines.yaml", "protocol.yaml"

TAG = "  - {tag: 99, name: colour, type: u8, since: %d, on_old_peer: drop, about: Its colour.}\nrelay: Envelope\n"
PROGRESS = (
    "tagged:\n  - {tag: 1, name: progress, type: bool, since: 1, on_old_peer: drop, about: Also send its Progress.}\n"
)
RETIRED = "reserved:\n  - {number: %d, name: %s, about: Used by version 1.}\n"
SUSPECT = '      suspect: {value: 15, about: "A worker died with it; suspects run one at a time."}\n'
SCHEDULE = '  BAD_SCHEDULE: {code: 414, scope: request, retry: never, text: "the cron expression or the time zone is not valid, or never comes"}\n'
NAMED = "  - {id: R-AUT-002,"
HALF = "about: The opener's half of the challenge-response.}\n"
REALM = "  - {tag: 99, name: realm, type: u8, since: 2, on_old_peer: drop, about: Where it holds.}\n"

#: Rule -> what is refused: a name, and edits of which the first says the line of the refusal (and lines after it).
REFUSED = {
    "E01": {
        "a struct renamed": ([(TYPES, "  HeldLease:\n", "  HeldLeases:\n"), (RESUME, "list<HeldLease>", "list<HeldLeases>")], None),
        "flags renamed": ([(TYPES, "  SubmitFlags:\n", "  Flags:\n"), (SUBMIT, "type: SubmitFlags", "type: Flags")], None),
        "an enum renamed": ([(TYPES, "  OverlapPolicy:\n", "  Overlap:\n"), ("messages/16-schedule.yaml", "type: OverlapPolicy", "type: Overlap")], None),
    },
    "E02": {
        "another type": ([(TASK, "name: attempt, type: u16", "name: attempt, type: u32")], 0),
        "a narrower range": ([(SUBMIT, "type: u8, max: 9", "type: u8, max: 8")], 0),
        "a wider range": ([(SUBMIT, "type: u8, max: 9", "type: u8, max: 10")], 0),
        "another name": ([(TASK, "name: remaining,", "name: rest,")], None),
        "one more": ([(TASK, "tagged:\n", "  - {name: extra, type: u8, about: One more.}\ntagged:\n")], 0),
        "one less": ([(TASK, '  - {name: remaining, type: Millis, about: "Not begun within this long from its arrival is given back. 0 is no bound."}\n', "")], None),
        "one more in a struct": ([(TYPES, "      - {name: limit, type: u16, min: 1, about: How many.}\n", "      - {name: limit, type: u16, min: 1, about: How many.}\n      - {name: extra, type: u8, about: One more.}\n")], 1),
        "a newtype narrowed": ([(TYPES, "max_bytes: 1024\n", "max_bytes: 1023\n")], None),
    },
    "E03": {
        "another type": ([(TASK, "name: cost, type: u16", "name: cost, type: u32")], 0),
        "another name": ([(TASK, "name: cost,", "name: price,")], 0),
        "another number": ([(AWAIT, "tag: 1, name: progress", "tag: 99, name: progress")], None),
        "other advice for old peers": ([(AWAIT, "type: bool, since: 1, on_old_peer: drop", "type: bool, since: 1, on_old_peer: fail")], 0),
        "gone": ([(AWAIT, PROGRESS, "")], None),
        "gone, and another one retired": ([(AWAIT, PROGRESS, RETIRED % (99, "progress"))], None),
    },
    "E04": {
        "a tag": ([(TASK, "relay: Envelope\n", TAG % 1)], 0),
        "a value of an enum": ([(TYPES, SUSPECT, SUSPECT + "      tired: {value: 99, about: It is tired.}\n")], 1),
    },
    "E05": {
        "a value of a closed enum": ([(TYPES, "      delete: {value: 2, about: Remove it.}\n", "      delete: {value: 2, about: Remove it.}\n      keep: {value: 99, since: 2, about: Keep it.}\n")], 1),
        "a flag": ([(TYPES, "      want_progress: {bit: 1,", "      want_more: {bit: 15, about: Send more.}\n      want_progress: {bit: 1,")], 0),
    },
    "E06": {
        "another number": ([(TYPES, "suspect: {value: 15,", "suspect: {value: 99,")], 0),
        "gone": ([(TYPES, SUSPECT, "")], None),
        "another bit": ([(TYPES, "want_progress: {bit: 1,", "want_progress: {bit: 15,")], 0),
    },
    "E07": {
        "another code": ([(ERRORS, "RESERVED_NAME: {code: 416,", "RESERVED_NAME: {code: 499,")], 0),
        "another scope": ([(ERRORS, "code: 416, scope: request", "code: 416, scope: task")], 0),
        "other advice": ([(ERRORS, "code: 416, scope: request, retry: never", "code: 416, scope: request, retry: later")], 0),
        "gone": ([(ERRORS, SCHEDULE, "")], None),
    },
    "E08": {
        "another flow": ([(AUTH, ", client -> scheduler]", "]")], None),
        "another sequence": ([(QUERY, "sequenced: true\n", "sequenced: false\n")], None),
        "another version": ([(QUERY, "since: 1\n", "since: 2\n")], None),
        "another command": ([(QUERY, "command: 13\n", "command: 48\n")], None),
        "another relayed struct": ([(TASK, "relay: Envelope", "relay: Report")], None),
        "critical tags": ([(TYPES, "critical_tags: false\n", "critical_tags: true\n")], None),
    },
    "E09": {
        "another value": ([(PROTOCOL, "value: 100000", "value: 200000")], -2),
        "another ceiling": ([(PROTOCOL, "ceiling: 67108864", "ceiling: 67108865")], None),
        "another unit": ([(PROTOCOL, "unit: crashes", "unit: accidents")], None),
    },
    "E10": {
        "another target": ([(MACHINES, "{from: leased, on: cancel, to: stay}", "{from: leased, on: cancel, to: ready}")], None),
        "a pair decided": ([(MACHINES, "- {from: ready, on: lease, to: leased}", "- {from: ready, on: lease, to: leased}\n      - {from: ready, on: succeed, to: succeeded}")], None),
        "a pair undecided": ([(MACHINES, "      - {from: begun, on: begin, to: stay}\n", "")], None),
        "another beginning": ([(MACHINES, "initial: sent", "initial: begun")], None),
        "another otherwise": ([(MACHINES, "otherwise: {to: stay, error: STALE_LEASE}", "otherwise: {to: ended, error: STALE_LEASE}")], None),
        "a state final": ([(MACHINES, "ended: {about: Not current any more., final: true}", "ended: {about: Not current any more.}")], 0),
        "a state local no more": ([(MACHINES, 'opening: {about: "The open is here; the scheduler decides.", local: true}', 'opening: {about: "The open is here; the scheduler decides."}')], 0),
        "a machine renamed": ([(MACHINES, "  assignment:\n", "  assignments:\n")], None),
    },
    "E11": {
        "another level": ([(TASK, "id: R-TSK-004, level: MUST", "id: R-TSK-004, level: SHOULD")], 0),
        "another number": ([(TASK, "id: R-TSK-004,", "id: R-TSK-999,")], None),
    },
    "E13": {
        "another integer": ([(TYPES, "    about: How hard to cancel.\n    repr: u8", "    about: How hard to cancel.\n    repr: u16")], None),
        "another integer of flags": ([(TYPES, "    repr: u16\n    values:\n      want_result", "    repr: u32\n    values:\n      want_result")], None),
        "a closed one opened": ([(TYPES, "    about: What to do with a recurring task.\n    repr: u8\n    kind: closed", "    about: What to do with a recurring task.\n    repr: u8\n    kind: open")], None),
    },
    "E14": {
        "a draft with a lock": ([(PROTOCOL, "1: {status: released}", "1: {status: draft}")], 0),
        "released without a lock": ([(PROTOCOL, "2: {status: draft}", "2: {status: released}")], 0),
    },
    "E15": {
        "another condition": ([(HELLO, "when: kind == ping or kind == pong", "when: kind == ping")], 0),
        "gone": ([(AUTH, "  - {id: R-AUT-002, when: kind == challenge, require: not present proof, about: A challenge carries none.}\n", "")], None),
        "one more": ([(AUTH, NAMED, "  - {id: R-AUT-999, require: kind == proof or kind == challenge, about: It is one of both.}\n" + NAMED)], 0),
        "one more of a struct": ([(TYPES, "      - {id: R-HEL-005,", "      - {id: R-HEL-999, require: max_version < 100, about: Versions are few.}\n      - {id: R-HEL-005,")], 0),
        "one for a new tag and for what is old": (
            [
                (AUTH, NAMED, "  - {id: R-AUT-999, when: present realm or kind == challenge, require: not present proof, about: A realm has no proof.}\n" + NAMED),
                (AUTH, HALF, HALF + REALM),
            ],
            1,
        ),
    },
    "E16": {
        "another order of checks": ([(PROTOCOL, "check: rules,", "check: finish,")], None),
        "another range of commands": ([(PROTOCOL, "to: 0xbf, kind: skippable", "to: 0xbf, kind: private")], None),
        "another range of tags": ([(PROTOCOL, "to: 0x7faf, kind: grease", "to: 0x7faf, kind: private")], None),
    },
    "E17": {
        "an example changed": ([(AWAIT, "seq: 5\n", "seq: 6\n"), (AWAIT, "0000000000000005  # seq 5", "0000000000000006  # seq 6")], None),
        "an example renamed": ([(AWAIT, "examples:\n  result:\n", "examples:\n  the_result:\n")], None),
    },
}  # fmt: skip

#: Rule -> what is as near to it as can be, and passes.
ALLOWED = {
    "E01": {
        "a new struct": [(TYPES, "  HeldLease:\n", "  NewStruct:\n    about: New.\n    fields:\n      - {name: extra, type: u8, about: One more.}\n  HeldLease:\n")],
        "a new enum": [(TYPES, "enums:\n", "enums:\n  NewEnum:\n    about: New.\n    repr: u8\n    kind: open\n    values:\n      one: {value: 1, about: One.}\n")],
        "new flags": [(TYPES, "flags:\n", "flags:\n  NewFlags:\n    about: New.\n    repr: u8\n    values:\n      one: {bit: 1, about: One.}\n")],
    },
    "E02": {
        "another text": [(TASK, "about: The task.}", "about: The task to run.}")],
        "the same type written out": [(TASK, "name: time_limit, type: Millis", "name: time_limit, type: u32, unit: ms")],
    },
    "E03": {"a tag retired": [(AWAIT, PROGRESS, RETIRED % (1, "progress"))]},
    "E04": {
        "a tag of a new version": [(TASK, "relay: Envelope\n", TAG % 2)],
        "a value of a new version": [(TYPES, SUSPECT, SUSPECT + "      tired: {value: 99, since: 2, about: It is tired.}\n")],
    },
    "E05": {"another text of a flag": [(TYPES, "about: Send Progress on this connection.", "about: Send Progress on this one.")]},
    "E06": {"a value retired": [(TYPES, SUSPECT, "    reserved:\n      - {number: 15, name: suspect, about: Used by version 1.}\n")]},
    "E07": {
        "another text": [(ERRORS, "the queue is full; submit later", "the queue is full; submit it later")],
        "an error retired": [(ERRORS, SCHEDULE, ""), (ERRORS, "reserved: []", RETIRED % (414, "BAD_SCHEDULE"))],
        "a new error": [(ERRORS, "  RESERVED_NAME:", "  NEW_ONE: {code: 499, scope: request, retry: never, text: something new}\n  RESERVED_NAME:")],
    },
    "E08": {"another text": [(QUERY, "about: Asks for everything known of a task.", "about: Asks for all that is known of a task.")]},
    "E09": {"a new limit": [(PROTOCOL, "  loss_limit:\n", "  new_limit:\n    about: Something new.\n    value: 3\n    unit: things\n  loss_limit:\n")]},
    "E10": {
        "a new event and a new state": [
            (MACHINES, "      revive: {about: An operator gives it another life.}\n", "      revive: {about: An operator gives it another life.}\n      bury: {about: An operator removes it.}\n"),
            (MACHINES, '      leased: {about: "With a worker, which holds its lease."}\n', '      leased: {about: "With a worker, which holds its lease."}\n      gone: {about: Removed., final: true}\n'),
            (MACHINES, "      - {from: dead, on: revive, to: ready}\n", "      - {from: dead, on: revive, to: ready}\n      - {from: dead, on: bury, to: gone}\n"),
        ],
        "a new machine": [(MACHINES, "machines:\n", "machines:\n  new:\n    about: New.\n    initial: one\n    states:\n      one: {about: One.}\n    events:\n      go: {about: Go.}\n    transitions:\n      - {from: one, on: go, to: stay}\n    otherwise: {to: stay, refused: true}\n")],
    },
    "E11": {
        "another wording": [(TASK, "A scheduler sends a Task only after its Submit is durable.", "A scheduler sends a Task after its Submit is durable.")],
        "a new requirement": [(TASK, "  - {id: R-TSK-004,", "  - {id: R-TSK-999, level: MUST, about: Something new.}\n  - {id: R-TSK-004,")],
    },
    "E13": {"another text": [(TYPES, "    about: How hard to cancel.\n", "    about: How hard it is to cancel.\n")]},
    "E14": {"a newer draft": [(PROTOCOL, "2: {status: draft}", "2: {status: draft} # soon")]},
    "E15": {
        "the same written otherwise": [(HELLO, "when: kind == ping or kind == pong", "when: (kind == ping) or (kind == pong)")],
        "one for a new tag": [
            (AUTH, HALF, HALF + REALM),
            (AUTH, NAMED, "  - {id: R-AUT-999, when: present realm, require: kind == challenge, about: The scheduler names the realm.}\n" + NAMED),
        ],
        "one for a new tag where something else holds": [
            (AUTH, HALF, HALF + REALM),
            (AUTH, NAMED, "  - {id: R-AUT-999, when: present realm and kind == proof, require: present proof, about: A realm needs a proof.}\n" + NAMED),
        ],
    },
    "E16": {
        "a reserved range assigned": [(PROTOCOL, "{from: 0x0100, to: 0x3fff, kind: reserved,", "{from: 0x0100, to: 0x01ff, kind: assigned, about: Assigned by this document.}\n  - {from: 0x0200, to: 0x3fff, kind: reserved,")],
        "another text of a check": [(PROTOCOL, "about: No byte of the payload is left over.", "about: No byte is left over.")],
    },
    "E17": {"an example more": [(QUERY, "examples:\n", 'examples:\n  second:\n    about: Another one.\n    value: {seq: 1, task_id: "hex:' + "00" * 16 + '"}\n    hex: |\n      0d00000019\n      0000000000000001\n      ' + "00" * 17 + "\n")]},
}  # fmt: skip


STATES = ("new", "waiting", "scheduled", "ready", "leased", "succeeded", "dead", "cancelled", "expired")

#: What is said of what is allowed, for who asks for the differences.
SAID = {
    ("E01", "a new struct"): {"NewStruct, which is new,"},
    ("E01", "a new enum"): {"the enum NewEnum is new"},
    ("E01", "new flags"): {"the flag NewFlags is new"},
    ("E02", "another text"): set(),
    ("E03", "a tag retired"): {"the tag 1, progress, is retired of Await"},
    ("E04", "a tag of a new version"): {"the new tag 99, colour, of Task"},
    ("E04", "a value of a new version"): {"the new value tired of WaitReason"},
    ("E06", "a value retired"): {"the value suspect is retired of WaitReason"},
    ("E07", "an error retired"): {"the error BAD_SCHEDULE is retired"},
    ("E07", "a new error"): {"the error NEW_ONE is new"},
    ("E09", "a new limit"): {"the limit new_limit is new"},
    ("E10", "a new event and a new state"): {f"{state} on bury of task is new" for state in STATES},
    ("E10", "a new machine"): {"the machine new is new"},
    ("E11", "a new requirement"): {"the requirement R-TSK-999 is new"},
    ("E15", "one for a new tag"): {"the new rule R-AUT-999 of Auth", "the new tag 99, realm, of Auth"},
    ("E16", "a reserved range assigned"): set(),
    ("E17", "an example more"): {"the example Query/second is new"},
}


@pytest.fixture
def released(spec):
    """A copy of the spec whose version 1 is released."""
    whole = load(spec.root)
    evolution.release(whole, 1, spec.root)
    ledger.write(whole, spec.root, release=True)
    spec.edit(PROTOCOL, "1: {status: draft}", "1: {status: released}\n  2: {status: draft}")
    return spec


def _cases(table):
    return [pytest.param(rule, table[rule][what], id=f"{rule} {what}") for rule in table for what in table[rule]]


@pytest.mark.parametrize(("rule", "case"), _cases(REFUSED))
def test_a_released_version_keeps_its_promises(released, rule, case):
    edits, shift = case
    lines = [released.edit(*edit) for edit in edits]
    with pytest.raises(SpecError) as caught:
        load(released.root)
    found = [problem for problem in caught.value.problems if problem.code == rule]
    assert found, str(caught.value)
    assert found[0].text.endswith(evolution.RULES[rule])
    if shift is not None:
        assert (f"spec/{edits[0][0]}", lines[0] + shift) in {(problem.file, problem.line) for problem in found}


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule in ALLOWED for name in ALLOWED[rule]])
def test_a_near_miss_passes_and_is_said_to_who_asks(released, rule, name):
    for edit in ALLOWED[rule][name]:
        released.edit(*edit)
    found = evolution.diff(load(released.root), 1, released.root)
    if (rule, name) in SAID:
        assert {difference.what for _, difference in found} == SAID[rule, name]


#: What is said where a version and its lock do not fit.
LOCK_TEXTS = {
    "a draft with a lock": "version 1 has a lock, and is called a draft: ",
    "released without a lock": "version 2 has no lock: ",
}


@pytest.mark.parametrize("name", LOCK_TEXTS)
def test_it_is_said_what_does_not_fit(released, name):
    for edit in REFUSED["E14"][name][0]:
        released.edit(*edit)
    with pytest.raises(SpecError, match=f"E14: {LOCK_TEXTS[name]}"):
        load(released.root)


def test_every_rule_has_both():
    tested_alone = {"E12"}
    assert set(REFUSED) | tested_alone == set(evolution.RULES)
    assert set(ALLOWED) | tested_alone == set(evolution.RULES)


def test_a_value_of_a_closed_enum_is_not_retired(spec):
    old = frozen(load(spec.root))
    new = copy.deepcopy(old)
    del new["enums"]["AuthKind"]["values"]["proof"]
    new["enums"]["AuthKind"]["reserved"]["2"] = "proof"
    (found,) = differences(old, new, 1)
    assert (found.rule, found.path) == ("E06", ("enums", "AuthKind"))


def test_what_is_released_passes_unchanged(released):
    load(released.root)


def test_an_edited_lock_is_refused(released):
    lock = released.root / "released" / "v1.json"
    lock.write_text(lock.read_text().replace('"u64"', '"u32"', 1))
    with pytest.raises(SpecError, match=r"spec/released/v1\.json:1: E12: is not whole"):
        load(released.root)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 1}', '"text"', "\xff"])
def test_a_lock_that_is_no_lock_is_refused(released, text):
    (released.root / "released" / "v1.json").write_text(text, encoding="latin-1")
    with pytest.raises(SpecError, match=r"spec/released/v1\.json:1: E12: is not whole"):
        load(released.root)


def test_a_lock_is_its_content_and_not_its_layout(released):
    lock = released.root / "released" / "v1.json"
    lock.write_text(json.dumps(json.loads(lock.read_text()), indent=7, sort_keys=True))
    load(released.root)


def test_a_lock_under_another_name_is_refused(released):
    (released.root / "released" / "v1.json").rename(released.root / "released" / "v2.json")
    with pytest.raises(SpecError, match=r"v2\.json:1: E12"):
        load(released.root)


def test_a_released_version_is_not_forgotten(released):
    released.edit(PROTOCOL, "1: {status: released}\n  2: {status: draft}", "1: {status: draft}")
    (released.root / "released" / "v1.json").rename(released.root / "released" / "gone")
    load(released.root, released=False)
    with pytest.raises(SpecError, match="E14"):
        evolution.diff(load(released.root, released=False), 1, released.root)


def test_a_lock_of_a_version_that_is_not_listed_is_refused(released):
    text = (released.root / "released" / "v1.json").read_text()
    (released.root / "released" / "v7.json").write_text(text.replace('"version": 1', '"version": 7'))
    with pytest.raises(SpecError, match="E14: version 7 has a lock and is not listed"):
        load(released.root)


def test_a_version_is_released_once(released):
    with pytest.raises(SpecError, match="E12: is there already"):
        evolution.release(load(released.root), 1, released.root)


def test_a_version_that_is_not_in_the_spec_is_not_released(spec):
    with pytest.raises(SpecError, match="E14: version 7 is not in the spec"):
        evolution.release(load(spec.root), 7, spec.root)


def test_a_new_message_is_taken_from_a_new_version_on(released):
    (released.root / "messages" / "48-wave.yaml").write_text(
        "message: Wave\ncommand: 48\nsince: 2\nabout: Says hello.\nflows: [client -> scheduler]\n"
        "fields:\n  - {name: hand, type: u8, about: Which hand.}\n"
        "examples:\n  left:\n    about: The left one.\n    value: {hand: 1}\n    hex: |\n      30000000020100\n"
    )
    released.edit(MACHINES, "on: [Submit, Accepted,", "on: [Submit, Wave, Accepted,")
    load(released.root)
    released.edit("messages/48-wave.yaml", "since: 2", "since: 1")
    with pytest.raises(SpecError, match=r"48-wave\.yaml:1: E04: Wave, which is new, differs"):
        load(released.root)


def test_a_message_that_is_gone_is_missed(released):
    (released.root / "messages" / "17-retract.yaml").unlink()
    released.edit(MACHINES, "on: [Task, Accepted, Cancel, Retract, Resume]", "on: [Task, Accepted, Cancel, Resume]")
    released.edit(MACHINES, "on: [Accepted, Cancel, Retract]", "on: [Accepted, Cancel]")
    with pytest.raises(SpecError, match="spec/messages:1: E01: Retract, which is gone"):
        load(released.root)


def test_all_that_is_refused_is_said_at_once(released):
    released.edit(TASK, "name: attempt, type: u16", "name: attempt, type: u32")
    released.edit(ERRORS, "RESERVED_NAME: {code: 416,", "RESERVED_NAME: {code: 499,")
    released.edit(AWAIT, "about: Also send its Progress.", "about: also")
    with pytest.raises(SpecError) as caught:
        load(released.root)
    assert {problem.code for problem in caught.value.problems} == {"E02", "E07", "B003", "L021"}
    assert caught.value.problems == sorted(caught.value.problems)


def test_each_released_version_is_held_against_the_spec(released):
    released.edit(TASK, "relay: Envelope\n", TAG % 2)
    spec = load(released.root)
    evolution.release(spec, 2, released.root)
    ledger.write(spec, released.root, release=True)
    released.edit(PROTOCOL, "2: {status: draft}", "2: {status: released}\n  3: {status: draft}")
    load(released.root)
    released.edit(TASK, "name: colour, type: u8", "name: colour, type: u16")
    problems = Problems()
    evolution.check(load(released.root, released=False), released.root, problems)
    assert [(problem.code, problem.text[:51]) for problem in problems.found] == [
        ("E03", "the tag 99, colour, of Task differs from version 2:")
    ]


def test_a_lock_holds_the_spec_and_its_digest(released):
    lock = json.loads((released.root / "released" / "v1.json").read_text())
    assert lock["version"] == 1
    assert re.fullmatch("[0-9a-f]{64}", lock["sha256"])
    assert lock["spec"]["examples"]["Await/result"].startswith("0f00000019")
