"""Middleware: what runs around every handler of a worker, where the handler runs.

    @middleware
    class Timing:
        def before(self, context): ...
        def after(self, context, result): ...
        def error(self, context, error): ...

`before` runs in the order of definition, `after` and `error` in the reverse; each may be missing, and around async
handlers each may be async. What `before` or `after` raises fails the attempt, as if the handler had raised it.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from wiretask_worker.context import Context
from wiretask_worker.errors import DefinitionError

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
_HOOKS = ("before", "after", "error")

#: All middleware that any module has defined, in order.
DEFINED: list[Any] = []


def middleware(defined: T) -> T:
    """Registers an object with hooks, or a class, of which one object is made. Raises DefinitionError."""
    name = getattr(defined, "__name__", type(defined).__name__)
    made = defined() if isinstance(defined, type) else defined
    if not any(callable(getattr(made, hook, None)) for hook in _HOOKS):
        raise DefinitionError(f"the middleware {name} has none of {', '.join(_HOOKS)}; define one of them")
    DEFINED.append(made)
    return defined


def check_plain() -> None:
    """Raises DefinitionError where an async hook would have to run around a plain function."""
    for each in DEFINED:
        for hook in _HOOKS:
            if inspect.iscoroutinefunction(getattr(each, hook, None)):
                kind = type(each).__name__
                raise DefinitionError(
                    f"the hook {kind}.{hook} is async, and this worker has plain tasks; write it without async"
                )


def around(context: Context, call: Callable[[], T]) -> T:
    """Runs a plain call with the hooks around it; async ones are left out (only the built-in task meets them)."""
    entered: list[Any] = []
    try:
        for each in DEFINED:
            _plain_hook(each, "before", context)
            entered.append(each)
        result = call()
        for each in reversed(DEFINED):
            _plain_hook(each, "after", context, result)
    except BaseException as error:
        for each in reversed(entered):
            try:
                _plain_hook(each, "error", context, error)
            except Exception:
                _LOG.exception("the error hook of the middleware %s has failed", type(each).__name__)
        raise
    return result


async def around_async(context: Context, call: Callable[[], Awaitable[T]]) -> T:
    """The same for an async call."""
    entered: list[Any] = []
    try:
        for each in DEFINED:
            await _settled(_hook(each, "before", context))
            entered.append(each)
        result = await call()
        for each in reversed(DEFINED):
            await _settled(_hook(each, "after", context, result))
    except BaseException as error:
        await _tell(entered, context, error)
        raise
    return result


async def _tell(entered: Sequence[Any], context: Context, error: BaseException) -> None:
    for each in reversed(entered):
        try:
            await _settled(_hook(each, "error", context, error))
        except Exception:
            _LOG.exception("the error hook of the middleware %s has failed", type(each).__name__)


def _hook(each: Any, name: str, *arguments: Any) -> Any:
    hook = getattr(each, name, None)
    return None if hook is None else hook(*arguments)


def _plain_hook(each: Any, name: str, *arguments: Any) -> None:
    if not inspect.iscoroutinefunction(getattr(each, name, None)):
        _hook(each, name, *arguments)


async def _settled(returned: Any) -> None:
    if inspect.isawaitable(returned):
        await returned
