"""Generated packages under names of their own, so that many codecs can live in one process and be forgotten again."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

#: The name that generated packages bear in their own sources.
PUBLIC = "wiretask_protocol"


class Sources(MetaPathFinder, Loader):
    """Finds the modules of one package in texts; nothing of it is ever on the disk."""

    def __init__(self, name: str, files: Mapping[str, str]) -> None:
        self.name = name
        self.texts = {
            path.removeprefix(f"{PUBLIC}/").removesuffix(".py"): text.replace(PUBLIC, name)
            for path, text in files.items()
            if path.startswith(f"{PUBLIC}/") and path.endswith(".py")
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module of that name, if it is one of ours."""
        if fullname == self.name:
            return importlib.util.spec_from_loader(fullname, self, is_package=True)
        owner, _, module = fullname.rpartition(".")
        if owner == self.name and module in self.texts:
            return importlib.util.spec_from_loader(fullname, self)
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Runs the text of a module."""
        own = module.__name__.removeprefix(self.name).removeprefix(".") or "__init__"
        exec(_compiled(self.texts[own], f"<{module.__name__}>"), module.__dict__)


@lru_cache(maxsize=64)
def _compiled(text: str, name: str) -> CodeType:
    return compile(text, name, "exec")


class Package:
    """A generated package; its modules are its attributes."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, module: str) -> ModuleType:
        return importlib.import_module(f"{self._name}.{module}")


@contextmanager
def imported(files: Mapping[str, str], name: str) -> Iterator[Package]:
    """The package that was rendered, under `name`, until the context is left."""
    finder = Sources(name, files)
    sys.meta_path.insert(0, finder)
    try:
        yield Package(name)
    finally:
        sys.meta_path.remove(finder)
        for module in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
            del sys.modules[module]
