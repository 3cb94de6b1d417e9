"""The guide: every page is found, every command of a page is run and prints what the page says, and names are those that are."""

import importlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from pages import Place, blocks, commands, like

from wiretask_protocol.messages import WaitReason

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
#: The examples of this one are run by tests/system/test_guide.py, each with processes of its own.
GUIDE = DOCS / "guide.md"
KNOWN = {
    "python",
    "toml",
    "console",
    "pycon",
    "bash",
    "sh",
    "yaml",
    "ini",
    "json",
    "text",
    "mermaid",
    "promql",
    "dockerfile",
}
STORIES = [page for page in PAGES if page != GUIDE and any(block.kind == "console" for block in blocks(page))]


def name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", STORIES, ids=name)
def test_what_a_page_says_is_what_happens(page, tmp_path):
    Place(tmp_path).live(page)


def test_there_are_stories():
    assert {"tutorial.md"} <= {name(page) for page in STORIES}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_has_blocks_of_known_kinds_and_commands_only_where_they_are_run(page):
    for block in blocks(page):
        assert block.kind in KNOWN, f"{name(page)}:{block.line}: {block.kind}"
        assert block.kind in {"console", "text"} or not block.text.startswith("$ "), f"{name(page)}:{block.line}"
        if block.kind == "python":
            compile(block.text, f"{name(page)}:{block.line}", "exec", flags=0x2000)  # await may stand at the top


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_shell_commands_that_are_not_run_are_at_least_shell(page):
    for block in blocks(page):
        if block.kind == "bash":
            done = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
            assert done.returncode == 0, f"{name(page)}:{block.line}: {done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_yaml_and_toml_can_be_read(page):
    for block in blocks(page):
        if block.kind == "yaml":
            assert list(yaml.safe_load_all(block.text)), f"{name(page)}:{block.line}"
        if block.kind == "toml":
            assert tomllib.loads(block.text), f"{name(page)}:{block.line}"


# Names


def fields(part: str) -> list[str]:
    """Every setting of a part."""
    if part == "scheduler":
        from wiretask_scheduler.config import Config

        return list(Config.model_fields)
    settings = importlib.import_module({"worker": "wiretask_worker.settings", "client": "wiretask_client.config"}[part])
    return [setting.name for setting in settings.SETTINGS]


@pytest.mark.parametrize("part", ["scheduler", "worker", "client"])
def test_the_page_of_a_part_names_every_setting(part):
    page = (ROOT / part / "README.md").read_text()
    names = fields(part)
    assert len(names) >= 9
    unnamed = [name for name in names if not re.search(rf"`{name}`|`\[{part}\.{name}\.NAME\]`", page)]
    assert not unnamed


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_settings_that_a_page_says_are_settings(page):
    for block in blocks(page):
        for part, table in (tomllib.loads(block.text) if block.kind == "toml" else {}).items():
            if part in {"scheduler", "worker", "client"}:
                assert set(table) <= set(fields(part)), f"{name(page)}:{block.line}"


def test_the_navigation_has_every_page():
    nav = (ROOT / "mkdocs.yml").read_text()
    assert [name(page) for page in PAGES if f": {name(page)}\n" not in nav] == []


def test_the_guide_names_every_reason_to_wait():
    page = (DOCS / "how-to" / "debug-waiting.md").read_text()
    assert [reason.name for reason in WaitReason if reason and f"`{reason.name.lower()}`" not in page] == []


# The machinery


@pytest.mark.parametrize(
    ("shown", "printed", "fits"),
    [
        ("5\n", "5\n", True),
        ("5\n", "6\n", False),
        ("5\n", "5\n5\n", False),
        ("a … c\n", "a b c\n", True),
        ("a … c\n", "a b\nc\n", False),
        ("a\n…\nz\n", "a\nb\nc\nz\n", True),
        ("a\n…\nz\n", "a\nb\nc\n", False),
        ("", "something\n", False),
        ("1.5\n", "1x5\n", False),
    ],
)
def test_what_is_printed_is_compared_but_for_what_may_differ(shown, printed, fits):
    assert bool(like(shown).fullmatch(printed)) is fits


def test_a_console_is_commands_and_what_they_print():
    assert list(commands("$ a\n1\n2\n$ b \\\n  c\n^C\n^\\\n$ d")) == [
        ("a", "1\n2\n"),
        ("b \\\n  c", ""),
        ("^C", ""),
        ("^\\", ""),
        ("d", ""),
    ]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("```console\n$ echo 1\n2\n```", "should print\n2\n\nand printed\n1"),
        ('```console title="x"\n$ echo 1\n2\n```', "should print\n2\n\nand has printed\n1"),
        ("```console\n$ id=7\n$ echo $id\n8\n```", "and printed\n7"),
    ],
)
def test_a_page_that_lies_is_found_out(tmp_path, text, wrong):
    (tmp_path / "page.md").write_text(f"# Page\n\n{text}\n")
    with pytest.raises(AssertionError, match=re.escape(wrong)):
        Place(tmp_path).live(tmp_path / "page.md")
