"""The data alone, in a folder: all of it, as it is, and nothing that is not complete."""

import json
from pathlib import Path

import pytest

import wiretask_conformance
from wiretask_conformance import cells, copying, golden, scenario, spec

pytestmark = [pytest.mark.slow]

SPEC = spec.load()
VERSION = max(SPEC.versions)
CASES = golden.load(SPEC, VERSION)
SOURCE = Path(wiretask_conformance.__file__).parent


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copied") / "not" / "there" / "yet"
    assert copying.copy(SPEC, folder, VERSION) == len(CASES)
    return folder


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_every_case_that_has_octets_is_a_file_of_them(data: Path) -> None:
    named = {case.name + ".bin": bytes.fromhex(case.octets) for case in CASES if case.octets}
    assert files(data / "frames") == set(named)
    for name, octets in named.items():
        assert (data / "frames" / name).read_bytes() == octets, name


def test_no_name_leads_out_of_the_folder(data: Path) -> None:
    assert {path.name for path in data.iterdir()} == {"golden", "scenarios", "frames"}
    assert {path.name for path in data.parent.iterdir()} == {data.name}


def test_the_files_of_the_manifest_are_there_as_they_are(data: Path) -> None:
    named = json.loads((data / "golden" / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert files(data / "golden") == {*named, "manifest.json", "schema.json", "spec.json"}
    for name in files(data / "golden"):
        assert (data / "golden" / name).read_bytes() == (SOURCE / "golden" / name).read_bytes(), name


def test_the_scenarios_are_there_as_they_are_and_the_cells_besides(data: Path) -> None:
    assert files(data / "scenarios") == {*scenario.FILES.values(), "templates.json", "schema.json", "cells.json"}
    for name in files(data / "scenarios") - {"cells.json"}:
        assert (data / "scenarios" / name).read_bytes() == (SOURCE / "scenarios" / name).read_bytes(), name


def test_a_cell_has_all_that_is_needed_to_play_it(data: Path) -> None:
    made = json.loads((data / "scenarios" / "cells.json").read_text(encoding="utf-8"))["scenarios"]
    wanted = [one for role in spec.SIDES for one in cells.cells(SPEC, role)]
    assert [(one["id"], one["role"], one["steps"]) for one in made] == [
        (one.id, one.role, list(one.steps)) for one in wanted
    ]


def test_a_second_copy_takes_the_place_of_the_first(data: Path) -> None:
    before = files(data)
    (data / "golden" / "spec.json").write_text("{}")
    copying.copy(SPEC, data, VERSION)
    assert files(data) == before
    assert (data / "golden" / "spec.json").read_bytes() == (SOURCE / "golden" / "spec.json").read_bytes()


@pytest.mark.parametrize("where", ["a file", "a file/under"])
def test_where_a_file_is_there_is_no_folder(tmp_path: Path, where: str) -> None:
    (tmp_path / "a file").write_text("mine")
    with pytest.raises(OSError, match="a file"):
        copying.copy(SPEC, tmp_path / where, VERSION)
    assert (tmp_path / "a file").read_text() == "mine"
