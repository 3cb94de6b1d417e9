"""Imports task modules and gathers their tasks into a Catalog. What is wrong with one is said in one line."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from wiretask_worker.builtin import BUILTIN
from wiretask_worker.errors import DefinitionError
from wiretask_worker.handlers import DEFINED, Catalog


def search_here() -> None:
    """Lets task modules be found in the current directory, as `python -m` does and a console script does not."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)


def load(modules: Sequence[str]) -> Catalog:
    """Imports the modules and returns all tasks that are defined then, and the built-in ones.

    Raises DefinitionError for a module that cannot be imported, and for what Catalog refuses.
    """
    for name in modules:
        _import(name)
    catalog = Catalog([*BUILTIN, *DEFINED])
    if DEFINED:
        Catalog(DEFINED).check()
    return catalog


def _import(name: str) -> None:
    if name.endswith(".py") or "/" in name:
        module = name.removesuffix(".py").strip("./").replace("/", ".")
        raise DefinitionError(f"--tasks {name}: give the module's name, not its file: --tasks {module}")
    try:
        importlib.import_module(name)
    except DefinitionError:
        raise
    except BaseException as error:  # a module can do anything, sys.exit included
        if isinstance(error, KeyboardInterrupt):
            raise
        raise DefinitionError(f"cannot import the task module {name!r}: {_reason(name, error)}") from error


def _reason(name: str, error: BaseException) -> str:
    text = " ".join(str(error).split())
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, ModuleNotFoundError) and error.name is not None and f"{name}.".startswith(f"{error.name}."):
        return f"{what} (looked in {Path.cwd()} and the installed packages)"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    if isinstance(error, SyntaxError) or not frames or frames[-1].filename == __file__:
        return what
    return f"{what} ({frames[-1].filename}:{frames[-1].lineno})"
