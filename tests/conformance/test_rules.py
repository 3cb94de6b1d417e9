"""The rules between fields, as the spec writes them: what binds how strongly, and what is read to its end."""

import pytest

from wiretask_conformance import spec
from wiretask_conformance.rules import holds

NUMBERS = {"kind": 1, "open": 1, "accept": 2, "slots": 4, "zero": 0}
PRESENT: dict[str, object] = {"role": None, "versions": {}}


@pytest.mark.parametrize(
    "rule",
    [
        "kind == open",
        "kind != accept",
        "slots > 3",
        "slots >= 4",
        "slots < 5",
        "slots <= 4",
        "4 == slots",
        "present role",
        "not present proof",
        "present role and present versions",
        "present proof or present role",
        "present role or present proof",
        "present role or present role and present proof",
        "not present proof and present role",
        "not (present proof or present session)",
        "not not present role",
        "((kind == open))",
        "kind==open",
        "present proof and present role or present role",
        "(present proof or present role) and slots == 4",
    ],
)
def test_a_rule_is_kept(rule: str) -> None:
    assert holds(rule, NUMBERS, PRESENT)


@pytest.mark.parametrize(
    "rule",
    [
        "kind == accept",
        "kind != open",
        "slots > 4",
        "slots >= 5",
        "slots < 4",
        "slots <= 3",
        "3 == slots",
        "10 < slots",
        "present proof",
        "not present role",
        "present role and present proof",
        "present proof and present role",
        "present proof or present session",
        "not present role or present proof",
        "not (present role)",
        "not (present role or present proof)",
        "not not present proof",
        "(present role or present role) and present proof",
        "present proof and present role or slots == 3",
        "present role and not present versions",
        "kind == open and zero > 0",
    ],
)
def test_a_rule_is_broken(rule: str) -> None:
    assert not holds(rule, NUMBERS, PRESENT)


@pytest.mark.parametrize("rule", ["", "kind ==", "present", "not", "(kind == open", "kind like open", "nobody == 1"])
def test_what_is_no_rule_is_never_kept(rule: str) -> None:
    with pytest.raises((KeyError, IndexError)):
        holds(rule, NUMBERS, PRESENT)


def test_every_rule_of_the_spec_can_be_read() -> None:
    """Whatever its fields say; a name that is no field and no value would be a KeyError."""
    loaded = spec.load()
    values = {name: number for enum in loaded.enums.values() for name, number in enum["values"].items()}
    for owner in [*loaded.messages.values(), *loaded.structs.values()]:
        numbers = {**values, "tag_count": 0, **dict.fromkeys((field["name"] for field in owner["fields"]), 0)}
        for rule in owner["rules"].values():
            for text in filter(None, (rule["when"], rule["require"])):
                assert holds(text, numbers, {}) in (True, False)
