"""How the body of a task becomes the arguments of a function.

Knows one function's signature and nothing of tasks, attempts or connections. A body is raw (octets as they are) or
JSON: an array is positional arguments, an object is keyword arguments, and each value is decoded and validated by
msgspec against the annotation of its parameter. Whatever does not fit is an ArgumentsError that names the argument.

A raw body reaches a function with a single `bytes` parameter as it is, one with a single `str` parameter as UTF-8
text, and one declared `raw=True` whatever its encoding; an empty one is a call without arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

import msgspec

from wiretask_protocol.messages import Encoding, Gathered
from wiretask_worker import gathering
from wiretask_worker.context import Context
from wiretask_worker.errors import ArgumentsError, DefinitionError
from wiretask_worker.provided import ResourceDefault

_Kind = inspect.Parameter
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_JSON_SPACE = b" \t\r\n"
_RAW, _JSON_ENCODING = int(Encoding.RAW), int(Encoding.JSON)
_NO_KEYWORDS: Mapping[str, Any] = {}


class Call(NamedTuple):
    """The arguments of one call."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]


class _Parameter:
    """One parameter that the body fills."""

    __slots__ = ("_decoder", "annotation", "default", "name")

    def __init__(self, parameter: inspect.Parameter, where: str) -> None:
        self.name = parameter.name
        #: Parameter.empty where the argument is required.
        self.default = parameter.default
        self.annotation = Any if parameter.annotation is _Kind.empty else parameter.annotation
        try:
            self._decoder = msgspec.json.Decoder(self.annotation)
        except TypeError as error:
            raise DefinitionError(
                f"{where}: the parameter {self.name!r} cannot be read from JSON: {_one_line(error)}"
            ) from error

    def decode(self, value: msgspec.Raw, name: str | None = None) -> Any:
        try:
            return self._decoder.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ArgumentsError(_misfit(name or self.name, error)) from error


class Arguments:
    """The parameters of one function, ready to be filled from bodies. Raises DefinitionError for what never can be."""

    def __init__(self, function: Callable[..., Any], *, raw: bool | None, where: str) -> None:
        signature = _signature(function, where)
        self._where = where
        #: None is the place of the Context.
        self._positional: list[_Parameter | ResourceDefault | None] = []
        #: Resources that its parameters ask for.
        self.provided: list[ResourceDefault] = []
        self._provided_keywords: dict[str, ResourceDefault] = {}
        self._keyword_only: dict[str, _Parameter] = {}
        self._rest: _Parameter | None = None
        self._extra: _Parameter | None = None
        self._context_keyword: str | None = None
        for parameter in signature.parameters.values():
            self._add(parameter)
        self._named = {parameter.name: parameter for parameter in self._by_position()} | self._keyword_only
        self._single = self._single_annotation(signature)
        #: Whether the body goes to the function as it is, whatever its encoding.
        self.verbatim = bool(raw)
        #: Whether a client best sends a raw body.
        self.raw = self.verbatim or (raw is None and self._single is bytes)
        #: The quick way: the body is all that the function takes.
        self.direct = self.raw and not self.wants_context and not self.provided and self._single is not None
        if self.verbatim and len(self._named) != 1:
            raise DefinitionError(f"{where}: raw=True wants a function with one parameter, the body")

    @property
    def wants_context(self) -> bool:
        """Whether a parameter is annotated with Context."""
        return None in self._positional or self._context_keyword is not None

    def fill(self, encoding: int, body: bytes, context: Context) -> Call:
        """The arguments of the call. Raises ArgumentsError for a body that does not fit."""
        if context.gathered is not None:
            return self._fill_gathered(encoding, body, context, context.gathered)
        if self.direct and (encoding == _RAW or self.verbatim):
            return Call((body,), _NO_KEYWORDS)
        if self.verbatim or (encoding == _RAW and self._single is bytes):
            return self._place({next(iter(self._named)): body}, (), {}, context)
        if encoding == _JSON_ENCODING:
            return self._fill_json(body, context)
        if encoding == _RAW:
            return self._fill_raw(body, context)
        raise ArgumentsError(f"the body has the encoding {encoding}, which this worker does not know; use JSON")

    def _fill_gathered(self, encoding: int, body: bytes, context: Context, gathered: Gathered) -> Call:
        """The arguments of a callback: the results of its group, and behind them what its body says."""
        first = next(iter(self._by_position()), None)
        if first is None or self.verbatim:
            raise ArgumentsError("a callback gets the results of its group as its first argument; give it one for them")
        given = {first.name: gathering.argument(gathered, first.annotation, first.name)}
        if encoding == _JSON_ENCODING:
            return self._fill_json(body, context, given)
        if body:
            raise ArgumentsError("the body of a callback is JSON arguments, and this one is raw")
        return self._place(given, (), {}, context)

    # -- the signature

    def _add(self, parameter: inspect.Parameter) -> None:
        if _is_context(parameter.annotation):
            if parameter.kind in (_Kind.VAR_POSITIONAL, _Kind.VAR_KEYWORD):
                raise DefinitionError(f"{self._where}: write `{parameter.name}: Context` without stars")
            if parameter.kind is _Kind.KEYWORD_ONLY:
                self._context_keyword = parameter.name
            else:
                self._positional.append(None)
            return
        if isinstance(parameter.default, ResourceDefault):
            self._add_provided(parameter, parameter.default)
            return
        filled = _Parameter(parameter, self._where)
        match parameter.kind:
            case _Kind.VAR_POSITIONAL:
                self._rest = filled
            case _Kind.VAR_KEYWORD:
                self._extra = filled
            case _Kind.KEYWORD_ONLY:
                self._keyword_only[parameter.name] = filled
            case _:
                self._positional.append(filled)

    def _add_provided(self, parameter: inspect.Parameter, provided: ResourceDefault) -> None:
        self.provided.append(provided)
        if parameter.kind is _Kind.KEYWORD_ONLY:
            self._provided_keywords[parameter.name] = provided
        else:
            self._positional.append(provided)

    def _by_position(self) -> list[_Parameter]:
        """The parameters that a body fills by their position."""
        return [parameter for parameter in self._positional if isinstance(parameter, _Parameter)]

    def _single_annotation(self, signature: inspect.Signature) -> Any:
        """The annotation of the only parameter; None where there are more, or none."""
        if len(self._named) != 1 or self._rest is not None or self._extra is not None:
            return None
        return signature.parameters[next(iter(self._named))].annotation

    # -- one body

    def _fill_json(self, body: bytes, context: Context, given: Mapping[str, Any] = _NO_KEYWORDS) -> Call:
        first = body.lstrip(_JSON_SPACE)[:1]
        try:
            if first == b"[":
                return self._from_array(_ARRAY.decode(body), context, given)
            if first == b"{":
                return self._from_object(_OBJECT.decode(body), context, given)
            if body:
                msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ArgumentsError(f"the body is not JSON: {_one_line(error)}") from error
        raise ArgumentsError("JSON arguments are an array (by position) or an object (by name)")

    def _fill_raw(self, body: bytes, context: Context) -> Call:
        if not body and not any(parameter.default is _Kind.empty for parameter in self._named.values()):
            return self._place({}, (), {}, context)
        if self._single is str:
            name = next(iter(self._named))
            try:
                return self._place({name: body.decode()}, (), {}, context)
            except UnicodeDecodeError as error:
                raise ArgumentsError(f"argument {name}: the raw body is not UTF-8: {error.reason}") from error
        raise ArgumentsError(f"the body is raw, and this task takes JSON arguments ({self._names() or 'none'})")

    def _from_array(self, values: list[msgspec.Raw], context: Context, given: Mapping[str, Any]) -> Call:
        parameters = [parameter for parameter in self._by_position() if parameter.name not in given]
        rest: list[Any] = []
        if len(values) > len(parameters):
            if self._rest is None:
                raise ArgumentsError(
                    f"takes {len(parameters)} positional {_plural(len(parameters))} ({self._names(given) or 'none'}), "
                    f"got {len(values)}"
                )
            start = len(parameters)
            rest = [self._rest.decode(v, f"{self._rest.name}[{i}]") for i, v in enumerate(values[start:])]
        filled = {p.name: p.decode(value) for p, value in zip(parameters, values, strict=False)}
        return self._place({**given, **filled}, rest, {}, context)

    def _from_object(self, values: dict[str, msgspec.Raw], context: Context, given: Mapping[str, Any]) -> Call:
        filled: dict[str, Any] = dict(given)
        extra: dict[str, Any] = {}
        for name, value in values.items():
            parameter = self._named.get(name)
            if parameter is not None and name not in given:
                filled[name] = parameter.decode(value)
            elif self._extra is not None and name != self._context_keyword:
                extra[name] = self._extra.decode(value, name)
            else:
                raise ArgumentsError(f"unexpected argument {name!r}; it takes {self._names(given) or 'none'}")
        return self._place(filled, (), extra, context)

    def _place(self, filled: Mapping[str, Any], rest: Sequence[Any], extra: dict[str, Any], context: Context) -> Call:
        args = [
            context if parameter is None
            else parameter.value if isinstance(parameter, ResourceDefault)
            else _value(parameter, filled)
            for parameter in self._positional
        ]  # fmt: skip
        args += rest
        kwargs = extra
        for name, parameter in self._keyword_only.items():
            kwargs[name] = _value(parameter, filled)
        for name, provided in self._provided_keywords.items():
            kwargs[name] = provided.value
        if self._context_keyword is not None:
            kwargs[self._context_keyword] = context
        return Call(args, kwargs)

    def _names(self, given: Mapping[str, Any] = _NO_KEYWORDS) -> str:
        return ", ".join(name for name in self._named if name not in given)


def _value(parameter: _Parameter, filled: Mapping[str, Any]) -> Any:
    try:
        return filled[parameter.name]
    except KeyError:
        if parameter.default is _Kind.empty:
            raise ArgumentsError(f"missing argument {parameter.name!r}") from None
        return parameter.default


def _signature(function: Callable[..., Any], where: str) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError as error:
        raise DefinitionError(
            f"{where}: an annotation cannot be read: {error}; import it at run time, not under TYPE_CHECKING"
        ) from error
    except Exception as error:
        raise DefinitionError(f"{where}: an annotation cannot be read: {_one_line(error)}") from error


def _is_context(annotation: Any) -> bool:
    return annotation is Context or Context in get_args(annotation)


def _misfit(name: str, error: Exception) -> str:
    """The words of msgspec with our path: "Expected `int`, got `str` - at `$[1]`" of `items` is about `items[1]`."""
    text, _, path = _one_line(error).partition(" - at `$")
    return f"argument {name}{path.rstrip('`')}: {text}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _plural(count: int) -> str:
    return "argument" if count == 1 else "arguments"
