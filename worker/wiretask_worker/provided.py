"""Resources that handlers share: made when a process begins to serve, given to those that ask, let go at its end.

    def make_db():
        db = connect()
        yield db            # before it the start, after it the end
        db.close()

    @task
    def count(table: str, db: Db = Provided(make_db)) -> int: ...

A factory is a function that returns the resource, a generator that yields it once, or something that makes a context
manager; around async handlers each may be async. Each is made once in a process, however many handlers ask for it. With
the process executor that is once in each child.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

from wiretask_worker.errors import DefinitionError

#: What has been made, by its factory.
_MADE: dict[Callable[..., Any], Any] = {}


class ResourceDefault:
    """The default of a parameter that a resource fills."""

    __slots__ = ("factory",)

    def __init__(self, factory: Callable[..., Any]) -> None:
        if not callable(factory):
            raise DefinitionError(f"Provided({factory!r}): give a function that makes the resource")
        self.factory = factory

    @property
    def value(self) -> Any:
        """The resource. Raises RuntimeError where no worker has made it."""
        try:
            return _MADE[self.factory]
        except KeyError:
            raise RuntimeError(f"{self.name} was not made: only a worker does that; pass the argument") from None

    @property
    def name(self) -> str:
        """What people call the factory."""
        return getattr(self.factory, "__qualname__", repr(self.factory))

    @property
    def is_async(self) -> bool:
        """Whether making it takes an event loop."""
        inner = inspect.unwrap(self.factory)
        return (
            inspect.iscoroutinefunction(inner)
            or inspect.isasyncgenfunction(inner)
            or hasattr(self.factory, "__aenter__")
        )


def Provided(factory: Callable[..., Any]) -> Any:  # noqa: N802 -- it reads as the type of a default
    """The default of a parameter that a resource fills. Typed as anything, for the parameter has a type of its own."""
    return ResourceDefault(factory)


def start(wanted: Iterable[ResourceDefault]) -> ExitStack:
    """Makes the resources; closing what is returned lets go of them, the last one first. Raises DefinitionError."""
    stack = ExitStack()
    for provided in wanted:
        if provided.factory in _MADE or provided.is_async:
            continue
        try:
            _keep(stack, provided, stack.enter_context(_managed(provided.factory)))
        except Exception as error:
            # What was made ends as it would at the end: it has not failed itself.
            stack.close()
            raise _failed(provided, error) from error
    return stack


async def start_async(wanted: Iterable[ResourceDefault]) -> AsyncExitStack:
    """The same for those that take an event loop, and for plain ones that async handlers ask for."""
    stack = AsyncExitStack()
    for provided in wanted:
        if provided.factory in _MADE:
            continue
        try:
            if provided.is_async:
                value = await stack.enter_async_context(_managed_async(provided.factory))
            else:
                value = stack.enter_context(_managed(provided.factory))
            _keep(stack, provided, value)
        except Exception as error:
            await stack.aclose()
            raise _failed(provided, error) from error
    return stack


def _keep(stack: ExitStack | AsyncExitStack, provided: ResourceDefault, value: Any) -> None:
    _MADE[provided.factory] = value
    stack.callback(_MADE.pop, provided.factory, None)


def _failed(provided: ResourceDefault, error: Exception) -> DefinitionError:
    text = " ".join(str(error).split())
    return DefinitionError(f"the resource {provided.name} could not be made: {type(error).__name__}: {text}")


def _managed(factory: Callable[..., Any]) -> Any:
    if inspect.isgeneratorfunction(factory):
        return contextmanager(factory)()
    made = factory()
    if hasattr(made, "__enter__") and hasattr(made, "__exit__"):
        return made
    return _holding(made)


def _managed_async(factory: Callable[..., Any]) -> Any:
    if inspect.isasyncgenfunction(factory):
        return asynccontextmanager(factory)()
    return _holding_async(factory)


@contextmanager
def _holding(made: Any) -> Any:
    yield made


@asynccontextmanager
async def _holding_async(factory: Callable[..., Any]) -> Any:
    made = factory()
    if inspect.isawaitable(made):
        made = await made
    if hasattr(made, "__aenter__"):
        async with made as entered:
            yield entered
    else:
        yield made
