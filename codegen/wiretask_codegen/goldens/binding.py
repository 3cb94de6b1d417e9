"""The binding that a spec renders to, imported without being written to generated/.

What an implementation must say of a case is asked of the reference codec, which is generated from the same spec. It is
imported from a folder of its own, so that a refusal leaves generated/ as it was.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

_NAME = "wiretask_protocol"


class Binding:
    """The modules of a binding."""

    def __init__(self, modules: dict[str, ModuleType]) -> None:
        self.protocol: Any = modules[_NAME]
        self.machines: Any = modules[f"{_NAME}.machines"]
        self.messages: Any = modules[f"{_NAME}.messages"]
        self.reference: Any = modules[f"{_NAME}.reference"]
        self.errors: Any = modules[f"{_NAME}.errors"]

    def said(self, function: Any, *arguments: object) -> dict[str, object] | None:
        """The error that a function refuses its arguments with, or None."""
        try:
            function(*arguments)
        except self.errors.WireError as error:
            return {"error": error.code.name, "field": error.field, "offset": error.offset}
        return None


@contextmanager
def loaded(files: dict[str, str]) -> Iterator[Binding]:
    """Rendered files (path below generated/ -> text) as a binding. Use it inside: it imports some parts only then."""
    with tempfile.TemporaryDirectory() as folder, _set_aside():
        for path, text in files.items():
            if path.startswith(f"{_NAME}/"):
                target = Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
        package = Path(folder, _NAME)
        spec = importlib.util.spec_from_file_location(
            _NAME, package / "__init__.py", submodule_search_locations=[str(package)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules[_NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[_NAME])
        importlib.import_module(f"{_NAME}.reference")
        yield Binding({name: module for name, module in sys.modules.items() if _ours(name)})


def _ours(name: str) -> bool:
    return name == _NAME or name.startswith(f"{_NAME}.")


@contextmanager
def _set_aside() -> Iterator[None]:
    """Modules of the same name that are imported already come back afterwards."""
    before = {name: module for name, module in sys.modules.items() if _ours(name)}
    for name in before:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if _ours(name)]:
            del sys.modules[name]
        sys.modules.update(before)
