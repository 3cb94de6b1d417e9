"""The requirement of a codec case in words: each case has one, and it is about what the case is about."""

import pytest

from wiretask_conformance import golden, spec
from wiretask_conformance.explain import Explainer
from wiretask_conformance.wording import demands

SPEC = spec.load()
CASES = {case.name: case for case in golden.load(SPEC, max(SPEC.versions))}
NAME = "UTF-8 without NUL, 1 to 128 octets long, of the pattern [A-Za-z0-9_][A-Za-z0-9_.:/@+-]*"


def test_every_case_says_what_it_holds_a_codec_to() -> None:
    for case in CASES.values():
        said = demands(SPEC, case)
        assert said or case.requires, case.name
        assert all(sentence.endswith(".") and sentence.isprintable() for sentence in said), case.name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Task/least/lease/0", "Task.lease: u64, from 1 to 18446744073709551615."),
        ("Task/least/task_id/zeros", "Task.task_id: 16 octets."),
        ("Task/least/envelope.type/empty", f"Envelope.type: {NAME}."),
        ("Task/sha256/cut-6", "Task.task_id: 16 octets."),
        ("Result/tag-no_retry/no_retry/2", "Result.no_retry, the tag "),
        ("Goodbye/least/reason/3", "Goodbye.reason: a GoodbyeReason ("),
        ("Submit/least/flags/8", "Submit.flags: SubmitFlags (bit 0 want_result, bit 1 want_progress, bit 2 repeat"),
        ("Task/least/tags/twice", "Tags are strictly ascending, so none comes twice (Tags)."),
        ("Task/least/envelope.body/length-most", "Envelope.body: a length (u32), then so many octets"),
        ("Accepted/many", "There is one encoding of each value"),
        ("Accepted/many/trailing", "There is one encoding of each value"),
        ("encode/Cancel/mode/absent", "Cancel.mode: a CancelMode (1 cooperative, 2 hard"),
        ("encode/Resume/leases/item/lease/0", "HeldLease.lease: u64, from 1 to "),
        ("encode/Submit/concurrency/key/dot-first", f"ConcurrencyKey.key: {NAME}."),
        ("stream/command/worker/opening/0x41", "Commands 0x41 to 0x5a, never: The capital letters"),
        ("stream/cell/client/accepted/Cancel", "Cancel may not arrive at a client that is accepted: UNEXPECTED_MESS"),
        ("stream/cell/scheduler/greeting/Hello.open", "Hello.open may arrive at a scheduler that is greeting, which "),
        ("stream/limit/scheduler/greeting/over", "The handshake_frame_limit is 4096 bytes; what is over it is FRAME"),
        ("Accepted/many/every-split", "A frame is the same, however its octets arrive (Frames)."),
    ],
)
def test_a_case_says_what_the_layout_asks(name: str, said: str) -> None:
    (sentence, *_) = demands(SPEC, CASES[name])
    assert sentence.startswith(said)


def test_a_case_of_a_numbered_requirement_needs_no_general_word() -> None:
    assert demands(SPEC, CASES["Hello/only-ping-versions"]) == []


def test_what_is_asked_stands_between_the_name_and_the_octets() -> None:
    lines = Explainer(SPEC).explain("Hello/tag-version/version/65535").splitlines()
    head = lines[1 : lines.index("")]
    assert [line.partition(":")[0] for line in head] == [
        "R-HEL-005",
        "R-HEL-001",
        head[2].partition(":")[0],
    ]
    assert head[2].startswith("Hello.version, the tag ")


def test_the_error_that_ends_a_stream_is_said_in_words() -> None:
    lines = Explainer(SPEC).explain("stream/cell/client/accepted/Cancel").splitlines()
    assert "  UNEXPECTED_MESSAGE: this message is not allowed in the present state of the connection" in lines
