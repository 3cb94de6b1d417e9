"""`@task`: a function becomes a Handler, which stays callable and carries its options.

Knows functions, names and options; the arguments are read by `arguments`, and only when a worker asks (a program that
only submits does not pay for it). A client reads the options through the attribute `__wiretask_task__` and needs
nothing else of this package.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypedDict, TypeVar, Unpack, overload

from wiretask_worker import hooks
from wiretask_worker.errors import DefinitionError

if TYPE_CHECKING:
    from wiretask_worker.arguments import Arguments
    from wiretask_worker.provided import ResourceDefault

P = ParamSpec("P")
R = TypeVar("R")

#: The Name of the spec (types.yaml), as people type it.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*")
_NAME_OCTETS = 128
_RESERVED = "wiretask."
_ATTEMPTS_MAXIMUM = 65535
#: 2**32 - 1 ms, what a Millis of the spec can say.
_TIME_LIMIT_SECONDS_MAXIMUM = 4294967.295


class Defaults(TypedDict, total=False):
    """What `client.submit(function, …)` takes from the function where the submission says nothing."""

    #: 0 to 9; 9 goes first.
    priority: int
    #: How many slots it takes.
    cost: int
    #: Labels that its worker must have.
    requires: Sequence[str]
    #: What of a worker's resources it uses up while it runs.
    resources: Mapping[str, int]
    #: The wait before the second attempt in seconds, or a mapping with base, factor, cap and jitter.
    retry: float | Mapping[str, float]
    #: How long its result is kept, in seconds.
    retention: float
    #: A key, and how many with it run at a time.
    concurrency: tuple[str, int]
    #: A key, how many with it start, in how many seconds, and how many of them at once.
    rate: tuple[str, int] | tuple[str, int, float] | tuple[str, int, float, int]
    #: Whose turn it takes.
    fairness: str


#: Every Handler that any module has defined, in order. A worker serves those of the modules it has imported.
DEFINED: list[Handler[..., Any]] = []


class Handler(Generic[P, R]):
    """A function that runs tasks of one type. Call it like the function; submit it with `client.submit(handler, …)`."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        queue: str | None = None,
        max_attempts: int | None = None,
        time_limit: float | None = None,
        raw: bool | None = None,
        no_retry_on: tuple[type[Exception], ...] = (),
        **defaults: Unpack[Defaults],
    ) -> None:
        self.function = function
        self.place = _place(function)
        #: The type of its tasks.
        self.name = _name(function.__name__ if name is None else name, "name", self.place)
        #: The queue that its tasks go to; None leaves it to the submission.
        self.queue = None if queue is None else _name(queue, "queue", self.place)
        #: How often its code may run and fail; None leaves it to the submission.
        self.max_attempts = max_attempts
        #: Longest run of one attempt in seconds; None is no limit. Also holds for tasks submitted by name.
        self.time_limit = time_limit
        #: Exceptions after which another attempt is of no use.
        self.no_retry_on = no_retry_on
        #: What holds where a submission of the function says nothing; the client reads it.
        self.defaults = defaults
        self.is_async = inspect.iscoroutinefunction(function)
        self._raw = raw
        self._check()
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls the function itself, here and now."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<task {self.name} at {self.place}>"

    @property
    def __wiretask_task__(self) -> Self:
        """The options by which a client submits this function."""
        return self

    def __getattr__(self, name: str) -> Any:
        """An option of `Defaults`, as the client reads it; None where it is not said."""
        if name in Defaults.__annotations__:
            return self.__dict__.get("defaults", {}).get(name)
        raise AttributeError(f"a task has no attribute {name!r}")

    @functools.cached_property
    def arguments(self) -> Arguments:
        """How bodies become arguments. Raises DefinitionError for a signature that no body can fill."""
        from wiretask_worker.arguments import Arguments  # noqa: PLC0415 -- msgspec, only where tasks run

        return Arguments(self.function, raw=self._raw, where=f"task {self.name} ({self.place})")

    @property
    def raw(self) -> bool:
        """Whether its body is octets as they are: raw=True was said, or its only parameter is `bytes`."""
        return self.arguments.raw

    def _check(self) -> None:
        where = f"task {self.name} ({self.place})"
        if inspect.isgeneratorfunction(self.function) or inspect.isasyncgenfunction(self.function):
            raise DefinitionError(f"{where}: a generator cannot be a task; return a list")
        if self.max_attempts is not None and not 1 <= self.max_attempts <= _ATTEMPTS_MAXIMUM:
            raise DefinitionError(f"{where}: max_attempts={self.max_attempts} is outside 1 to {_ATTEMPTS_MAXIMUM}")
        for name in self.defaults:
            if name not in Defaults.__annotations__:
                known = ", ".join(Defaults.__annotations__)
                raise DefinitionError(f"{where}: @task has no option {name!r}; there are {known}")
        if self.time_limit is not None and not 0.001 <= self.time_limit <= _TIME_LIMIT_SECONDS_MAXIMUM:
            raise DefinitionError(f"{where}: time_limit={self.time_limit} is not a number of seconds from 0.001")


@overload
def task(function: Callable[P, R], /) -> Handler[P, R]: ...


@overload
def task(
    *,
    name: str | None = None,
    queue: str | None = None,
    max_attempts: int | None = None,
    time_limit: float | None = None,
    raw: bool | None = None,
    no_retry_on: type[Exception] | tuple[type[Exception], ...] = (),
    **defaults: Unpack[Defaults],
) -> Callable[[Callable[P, R]], Handler[P, R]]: ...


def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    no_retry_on: type[Exception] | tuple[type[Exception], ...] = (),
    **options: Any,
) -> Any:
    """Makes a function a task, as `@task` or `@task(max_attempts=3, …)`.

    name          the type of its tasks; the function's name where absent ("add@2" is a version of its own)
    queue         where its tasks wait; "default" where absent
    max_attempts  how often its code may run and fail; once where absent
    time_limit    longest run of one attempt, in seconds
    raw           True: the one parameter is the body as it is, bytes; False: even `bytes` comes as JSON (base64)
    no_retry_on   exceptions after which another attempt is of no use

    and what a submission of the function says where it says nothing else: see `Defaults`.
    """

    def define(function: Callable[..., Any]) -> Handler[..., Any]:
        kinds = no_retry_on if isinstance(no_retry_on, tuple) else (no_retry_on,)
        handler = Handler(function, no_retry_on=kinds, **options)
        DEFINED.append(handler)
        return handler

    return define if function is None else define(function)


class Catalog:
    """The handlers of one worker by their names. Raises DefinitionError for two of one name, or one that cannot run."""

    def __init__(self, handlers: Iterable[Handler[..., Any]]) -> None:
        self._by_name: dict[str, Handler[..., Any]] = {}
        for handler in handlers:
            other = self._by_name.setdefault(handler.name, handler)
            if other is not handler:
                raise DefinitionError(
                    f"two tasks have the name {handler.name!r}: {other.place} and {handler.place}; "
                    f"rename one with @task(name=…)"
                )
            _ = handler.arguments  # reads the signature: what cannot run is refused now, not at its first task

    def provided(self, *, is_async: bool) -> list[ResourceDefault]:
        """The resources that its async handlers ask for, or its plain ones; each once, in the order of their need."""
        wanted = {
            provided.factory: provided
            for handler in self
            if handler.is_async == is_async
            for provided in handler.arguments.provided
        }
        return list(wanted.values())

    def check(self) -> None:
        """Raises DefinitionError where an async hook or an async resource would have to serve a plain function."""
        for handler in self:
            if handler.is_async:
                continue
            hooks.check_plain()
            for provided in handler.arguments.provided:
                if provided.is_async:
                    raise DefinitionError(
                        f"task {handler.name} ({handler.place}) is a plain function, and its resource "
                        f"{provided.name} is async; make one of them like the other"
                    )

    def __getitem__(self, name: str) -> Handler[..., Any]:
        return self._by_name[name]

    def __iter__(self) -> Iterator[Handler[..., Any]]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)


def _place(function: Callable[..., Any]) -> str:
    inner = inspect.unwrap(function)
    if not isinstance(inner, FunctionType):
        raise DefinitionError(f"{function!r} cannot be a task: put @task on a function written with def or async def")
    return f"{inner.__code__.co_filename}:{inner.__code__.co_firstlineno}"


def _name(name: str, what: str, place: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _NAME_OCTETS:
        raise DefinitionError(
            f"{place}: the {what} {name!r} is not a Name: 1 to {_NAME_OCTETS} of A-Z a-z 0-9 _ . : / @ + -, "
            f"the first one a letter, a digit or _; give one with @task({what}=…)"
        )
    if name.startswith(_RESERVED):
        raise DefinitionError(f"{place}: names that begin with {_RESERVED} are reserved; choose another {what}")
    return name
