"""The scenarios that were written by hand: their form, and that everything they name is there."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

import wiretask_conformance
from wiretask_conformance import scenario, spec
from wiretask_conformance.stage import Stage

FOLDER = Path(wiretask_conformance.__file__).parent / "scenarios"
SCHEMA = json.loads((FOLDER / "schema.json").read_text())
SCENARIOS = {role: json.loads((FOLDER / name).read_text())["scenarios"] for role, name in scenario.FILES.items()}
VERBS = {name.removeprefix("do_") for name in dir(Stage) if name.startswith("do_")}
SPEC = spec.load()
ROLES = pytest.mark.parametrize("role", SCENARIOS)


def steps_of(steps) -> Iterator[dict]:
    for step in steps:
        yield step
        yield from steps_of(step.get("steps", ()))


def all_steps(role) -> Iterator[tuple[str, dict]]:
    for entry in SCENARIOS[role]:
        for step in steps_of(entry["steps"]):
            yield entry["name"], step


def named(step) -> Iterator[str]:
    """The messages that a step names."""
    if "message" in step:
        yield step["message"]
    yield from (item["message"] for item in step.get("messages", ()))
    yield from step.get("allow", ())
    yield from step.get("deny", ())


@ROLES
def test_a_file_is_as_its_schema_says(role):
    body = json.loads((FOLDER / scenario.FILES[role]).read_text())
    # The best match names the step, where the whole error would name every verb that it is not.
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(SCHEMA).iter_errors(body))
    assert error is None, f"{error.json_path}: {error.message}"


def test_the_schema_has_every_verb_and_no_other():
    assert {item["$ref"].rpartition("/")[2] for item in SCHEMA["$defs"]["step"]["oneOf"]} == VERBS


def test_ids_and_names_are_nobody_elses():
    entries = [entry for role in SCENARIOS for entry in SCENARIOS[role]]
    assert len({entry["id"] for entry in entries}) == len({entry["name"] for entry in entries}) == len(entries)


@ROLES
def test_a_name_begins_with_the_role(role):
    assert [entry["name"] for entry in SCENARIOS[role] if not entry["name"].startswith(role + "/")] == []


@ROLES
def test_every_requirement_is_one(role):
    for entry in SCENARIOS[role]:
        for identifier in entry.get("requires", ()):
            assert SPEC.requirement(identifier) is not None, (entry["name"], identifier)


@ROLES
def test_the_first_key_of_a_step_is_a_verb(role):
    assert [found for found in all_steps(role) if next(iter(found[1])) not in VERBS] == []


@ROLES
def test_every_message_and_every_error_is_one(role):
    for name, step in all_steps(role):
        assert {message for message in named(step) if message not in SPEC.messages} == set(), name
        assert step.get("code") is None or step["code"] in SPEC.errors, name


@ROLES
def test_what_is_covered_is_in_the_spec(role):
    for entry in SCENARIOS[role]:
        for item in entry.get("covers", ()):
            assert exists(item), (entry["name"], item)


def exists(item: str) -> bool:
    kind, _, rest = item.partition(":")
    match kind:
        case "error":
            return rest.partition(":")[0] in SPEC.errors
        case "limit" | "timer":
            return rest.partition(":")[0] in SPEC.limits
        case "enum":
            name, _, value = rest.partition(".")
            return value in SPEC.enums[name]["values"]
        case "transition":
            machine, state, event = rest.split("/")
            return SPEC.machines[machine].table[state].get(event) is not None
        case "requirement":
            return SPEC.requirement(rest) is not None
    return kind == "cell"


def test_limits_that_a_scheduler_is_given_are_limits():
    for entry in SCENARIOS["scheduler"]:
        for name in entry.get("config", {}):
            assert name in SPEC.limits, (entry["name"], name)
