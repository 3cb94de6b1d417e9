"""How implementations are broken: a table of named functions, each of which breaks one thing when it is called."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMPLEMENTATIONS = Path(__file__).parents[1] / "implementations" / "python"


class Mutants(dict[str, Callable[[], None]]):
    """Mutants by name."""

    def __init__(self) -> None:
        super().__init__()
        #: Those that are no adapters at all: the smoke run must stop them.
        self.no_adapters: set[str] = set()

    def add_no_adapter(self, function: Callable[[], None]) -> Callable[[], None]:
        """Takes one in that does not keep the contract of adapters."""
        self.no_adapters.add(function.__name__)
        return self.add(function)

    def add(self, function: Callable[[], None]) -> Callable[[], None]:
        """Takes one in; its name says what is broken."""
        self[function.__name__] = function
        return function


def adapter_of(role: str) -> Any:
    """The adapter of our implementation of a role, as a module that can be written to."""
    sys.path.insert(0, str(IMPLEMENTATIONS))
    found = importlib.util.spec_from_file_location(f"{role}_adapter", IMPLEMENTATIONS / f"{role}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def wrapped(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Puts something else in the place of a function, made of the function itself."""
    setattr(owner, name, make(getattr(owner, name)))


def nothing(*_arguments: Any, **_options: Any) -> None:
    """Does nothing, instead of something."""


def before(owner: Any, name: str, first: Callable[..., object]) -> None:
    """Does something first; it gets the same arguments."""

    def make(real: Any) -> Any:
        def both(*arguments: Any, **options: Any) -> Any:
            first(*arguments, **options)
            return real(*arguments, **options)

        return both

    wrapped(owner, name, make)


def after(owner: Any, name: str, then: Callable[..., object]) -> None:
    """Does something afterwards; it gets the same arguments."""

    def make(real: Any) -> Any:
        def both(*arguments: Any, **options: Any) -> Any:
            made = real(*arguments, **options)
            then(*arguments, **options)
            return made

        return both

    wrapped(owner, name, make)
