"""Editing the spec and generating is all that a change of the wire takes; and the type checker says who must care."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from wiretask_codegen.__main__ import main
from wiretask_codegen.load import load
from wiretask_codegen.render import render, write

ROOT = Path(__file__).parents[2]


def test_a_new_tag_is_read_and_written(spec, tmp_path):
    spec.edit(
        "messages/08-accepted.yaml",
        "requirements:",
        "tagged:\n  - {tag: 1, name: colour, type: u8, max: 7, since: 1, on_old_peer: drop, about: Its colour.}\nrequirements:",
    )
    write(render(load(spec.root)), tmp_path / "generated")
    script = (
        "from wiretask_protocol import codec, reference, messages as m, errors\n"
        "frame = codec.encode(m.Accepted(7, colour=5))\n"
        "assert frame == reference.encode_accepted(m.Accepted(7, colour=5))\n"
        "assert codec.decode(8, frame[5:]).colour == 5\n"
        "try:\n    codec.encode(m.Accepted(7, colour=8))\n"
        "except errors.WireError as error:\n    print(error.code.name, error.field)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(tmp_path / "generated")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["OUT_OF_RANGE", "colour"]


@pytest.mark.slow
def test_mypy_names_the_call_sites_that_must_care_about_a_new_field(spec, tmp_path):
    spec.edit(
        "messages/06-goodbye.yaml",
        "fields:\n",
        "fields:\n  - {name: colour, type: u8, about: Its colour.}\n",
    )
    for hexes in ("02  # reason drain", "01  # reason shutting_down"):
        spec.edit("messages/06-goodbye.yaml", hexes, f"00  # colour\n      {hexes}")
    spec.edit("messages/06-goodbye.yaml", "00000002  # length 2", "00000003  # length 3")
    spec.edit("messages/06-goodbye.yaml", "00000019  # length 25", "0000001a  # length 26")
    text = (spec.root / "messages/06-goodbye.yaml").read_text()
    text = text.replace("      reason: ", "      colour: 0\n      reason: ")
    (spec.root / "messages/06-goodbye.yaml").write_text(text)
    write(render(load(spec.root)), tmp_path / "generated")
    user = tmp_path / "user.py"
    user.write_text("from wiretask_protocol.messages import Goodbye\n\nGoodbye(1)\nGoodbye(0, 1)\n")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(user)],
        env={"MYPYPATH": str(tmp_path / "generated")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'user.py:3: error: Missing positional argument "reason" in call to "Goodbye"' in run.stdout
    assert "user.py:4" not in run.stdout


def test_check_says_what_is_stale_and_writes_nothing(tmp_path):
    for folder in ("spec", "generated", "conformance"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    fresh = CliRunner().invoke(main, ["check", "--root", str(tmp_path)])
    assert (fresh.exit_code, fresh.output) == (0, "")


def test_a_spec_that_is_refused_is_no_traceback(spec):
    line = spec.edit("messages/01-task.yaml", "relay: Envelope", "relay: Nothing")
    refused = CliRunner().invoke(main, ["generate", "--root", str(spec.root.parent)])
    assert refused.exit_code == 1
    assert f"spec/messages/01-task.yaml:{line}: M002" in refused.output
    assert "Traceback" not in refused.output
