"""Pages that are not in this folder: those that lie with the parts, and those that are made of the spec.

What is said once is not said again here: the parts' READMEs, the protocol document and the changelog are pages as they
stand, with their links led to where their pages are.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
#: The page, and the file that it is.
PAGES = {
    "reference/scheduler.md": "scheduler/README.md",
    "reference/security.md": "scheduler/SECURITY.md",
    "reference/worker.md": "worker/README.md",
    "reference/client.md": "client/README.md",
    "reference/conformance.md": "conformance/README.md",
    "reference/changelog.md": "CHANGELOG.md",
    "reference/protocol.md": "generated/docs/PROTOCOL.md",
}
PICTURES = ROOT / "generated" / "docs"
_LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(#[^)\s]*)?(?=\))")
_ERRORS = """\
# Errors

Every error that one side of a connection tells the other, made of the spec. A client raises `Refused` (its `code` is
the name) for what a scheduler has refused. The number is what goes over the wire; its hundreds say what it is about: 1
the frame, 2 what is in it, 3 the connection, 4 a request or a task.

| name | number | what it means, and the remedy | what it ends | again? |
|---|---|---|---|---|
"""
_SCOPES = {"connection": "the connection ends", "request": "the request is refused", "task": "about one task"}
_RETRY = {"never": "the same again fails again", "later": "try later", "elsewhere": "try another scheduler"}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds them."""
    for uri, source in PAGES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / source)))
    for picture in PICTURES.glob("*.svg"):
        files.append(File.generated(config, f"reference/{picture.name}", abs_src_path=str(picture)))
    files.append(File.generated(config, "reference/errors.md", content=errors()))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads the links of a page that lies elsewhere to the pages of what they are about."""
    source = PAGES.get(page.file.src_uri)
    return markdown if source is None else _LINK.sub(lambda found: _led(found, source, page.file.src_uri), markdown)


def _led(found: re.Match[str], source: str, uri: str) -> str:
    path, fragment = found[1], found[2] or ""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    led = next((page for page, of in PAGES.items() if of == target), target.removeprefix("docs/"))
    if target.startswith("generated/docs/"):
        return path + fragment
    return posixpath.relpath(led, posixpath.dirname(uri)) + fragment


def errors() -> str:
    """The page of all errors, of the spec."""
    said = yaml.safe_load((ROOT / "spec" / "errors.yaml").read_text("utf-8"))["errors"]
    rows = [
        f"| `{name}` | {of['code']} | {of['text']} | {_SCOPES[of['scope']]} | {_RETRY[of['retry']]} |"
        for name, of in said.items()
    ]
    return f"{_ERRORS}{chr(10).join(rows)}\n"
