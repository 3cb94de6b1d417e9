"""The command line: what it writes, what it says, and how it ends."""

import re

import pytest
from click.testing import CliRunner

from wiretask_codegen.__main__ import main

AWAIT, TASK = "messages/15-await.yaml", "messages/01-task.yaml"


@pytest.fixture
def run(spec):
    def run(*words):
        result = CliRunner().invoke(main, [*words, "--root", str(spec.root.parent)])
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.stdout, result.stderr

    return run


def test_lint_says_nothing_of_a_good_spec(run):
    assert run("lint") == (0, "", "")


def test_every_problem_is_a_line_on_stderr(spec, run):
    line = spec.edit(TASK, "name: attempt, type: u16", "name: attempt, type: u61")
    code, out, err = run("lint")
    assert (code, out) == (1, "")
    assert (
        err
        == f"spec/{TASK}:{line}: T001: 'u61' is no type; declare it in types.yaml before its use, or mend the name\n"
    )


@pytest.mark.parametrize("words", [["generate"], ["check"], ["lint"], ["diff"], ["ledger"], ["release", "1"]])
def test_a_folder_without_a_spec_is_no_traceback(tmp_path, words):
    result = CliRunner().invoke(main, [*words, "--root", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr.startswith("spec/errors.yaml:1: S001: cannot be read (No such file or directory); check")


def test_what_cannot_be_written_is_a_line(spec, run):
    (spec.root / "ledger.yaml").unlink()
    (spec.root / "ledger.yaml").mkdir()
    code, _, err = run("generate")
    assert code == 1
    assert re.search(r"ledger\.yaml:1: S001: cannot be read \(Is a directory\)", err)


def test_a_second_generation_has_nothing_to_write(run):
    code, out, _ = run("generate")
    assert (code, out.splitlines()[-1]) == (0, f"{len(out.splitlines()) - 1} files written")
    assert run("generate") == (0, "everything is fresh\n", "")
    assert run("check") == (0, "", "")


def test_check_names_what_is_stale_and_writes_nothing(spec, run):
    run("generate")
    spec.edit(AWAIT, "Also send its Progress.", "Also send all its Progress.")
    spec.edit(
        "errors.yaml",
        "  RESERVED_NAME:",
        "  NEW_ONE: {code: 499, scope: request, retry: never, text: new}\n  RESERVED_NAME:",
    )
    code, out, err = run("check")
    assert (code, out) == (1, "")
    assert {"spec/ledger.yaml is stale; run nox -s generate"} < set(err.splitlines())
    assert "generated/wiretask_protocol/messages.py is stale; run nox -s generate" in err
    assert run("check") == (code, out, err)


def test_the_ledger_shows_what_it_lacks_and_takes_it_when_told(spec, run):
    assert run("ledger") == (0, "the ledger is up to date\n", "")
    spec.edit(
        "types.yaml",
        "      overloaded: {value: 5,",
        "      tired: {value: 99, about: It is tired.}\n      overloaded: {value: 5,",
    )
    code, out, _ = run("ledger")
    assert code == 1
    assert out.splitlines()[-1] == "+    99: tired"
    assert run("ledger", "--write") == (0, out, "")
    assert run("ledger") == (0, "the ledger is up to date\n", "")


def test_nothing_differs_from_what_was_never_released(run):
    assert run("diff") == (0, "nothing is released yet\n", "")
    code, _, err = run("diff", "1")
    assert (code, "E14: version 1 has no lock" in err) == (1, True)


def test_a_release_writes_its_lock_its_ledger_and_its_status(spec, run):
    code, out, _ = run("release", "1")
    assert (code, out.splitlines()[0]) == (0, f"{spec.root}/released/v1.json written")
    assert "  1: {status: released}\n" in (spec.root / "protocol.yaml").read_text()
    assert run("lint") == (0, "", "")
    assert run("ledger")[0] == 0
    assert run("diff") == (0, "", "")
    code, _, err = run("release", "1")
    assert (code, "E12: is there already" in err) == (1, True)
    code, _, err = run("release", "2")
    assert (code, "E14: version 2 is not in the spec" in err) == (1, True)


def lengthen(path, field, octets):
    """Puts zeros before a number in each example of a message, and says so in its length; returns how many there are."""
    text = re.sub(rf"(?m)^ +(?=\w+  # {field} )", rf"\g<0>{'00' * octets}", path.read_text())
    length = re.compile(r"(?m)^( +)\w{8}  # length (\d+)$")
    text, examples = length.subn(lambda found: f"{found[1]}{int(found[2]) + octets:08x}  # length longer", text)
    path.write_text(text)
    return examples


def test_diff_says_what_is_allowed_and_what_is_not(spec, run):
    run("release", "1")
    spec.edit("protocol.yaml", "1: {status: released}", "1: {status: released}\n  2: {status: draft}")
    new = spec.edit(
        TASK,
        "relay: Envelope",
        "  - {tag: 99, name: colour, type: u8, since: 2, on_old_peer: drop, about: Its colour.}\nrelay: Envelope",
    )
    assert run("diff") == (0, f"spec/{TASK}:{new}: the new tag 99, colour, of Task: allowed\n", "")
    field = spec.edit(TASK, "name: attempt, type: u16", "name: attempt, type: u32")
    examples = lengthen(spec.root / TASK, "attempt", 2)
    code, out, _ = run("diff", "1")
    assert code == 1
    said = out.splitlines()
    assert (
        f"spec/{TASK}:{field}: the field attempt of Task: E02: fixed fields are frozen; put new data into a new tag"
        in said
    )
    assert sum("E17" in line for line in said) == examples > 1
    assert run("generate")[0] == 1
