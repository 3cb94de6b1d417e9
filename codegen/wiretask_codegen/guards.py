"""The guard language: `kind == open and present versions`, and nothing that is not in this grammar.

    guard      = conjunct { "or" conjunct }
    conjunct   = term { "and" term }
    term       = "not" term | "(" guard ")" | "present" NAME | operand OPERATOR operand
    operand    = NAME | NUMBER | "tag_count"

A word on one side of a comparison is a value of the enum on the other side, if that has such a value, and a field
otherwise. It is parsed, never evaluated, so that every backend can write it in its own language.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping

from wiretask_codegen.model import (
    AllGuard,
    AnyGuard,
    CompareGuard,
    Guard,
    NameGuard,
    NotGuard,
    NumberGuard,
    PresentGuard,
    TagCountGuard,
)

_TOKEN = re.compile(r"\s*(?:(0x[0-9a-f]+|[0-9]+)|([A-Za-z_][A-Za-z0-9_]*)|(==|!=|<=|>=|<|>|\(|\)))")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
#: Words that cannot be the name of a field, because a guard reads them as its own.
WORDS = frozenset({"and", "or", "not", "present", "tag_count"})
#: A guard of more tokens is a program; it belongs into several rules. It also bounds the depth of the parser.
MAX_TOKENS = 100

Fields = Mapping[str, Mapping[str, int] | None]
Operand = NameGuard | NumberGuard | TagCountGuard


class GuardError(Exception):
    """A guard that is not in the grammar; the text says where and what was expected."""


def parse(text: str, fields: Fields, tagged: Mapping[str, object] | None) -> Guard:
    """Parses a guard over numeric fields, each with the values of its enum if it has one, and over tags.

    `tagged` is None where there can be no tags. Raises GuardError.
    """
    return _Parser(text, fields, tagged).whole()


class _Parser:
    """Recursive descent over the tokens of one guard."""

    def __init__(self, text: str, fields: Fields, tagged: Mapping[str, object] | None) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._fields = fields
        self._tagged = tagged
        self._at = 0

    def whole(self) -> Guard:
        guard = self._any()
        if self._at != len(self._tokens):
            raise GuardError(f"{self._text!r}: {self._tokens[self._at]!r} is left over; join guards with and, or")
        return guard

    def _any(self) -> Guard:
        guards = self._joined("or", self._all)
        return guards[0] if len(guards) == 1 else AnyGuard(guards=guards)

    def _all(self) -> Guard:
        guards = self._joined("and", self._term)
        return guards[0] if len(guards) == 1 else AllGuard(guards=guards)

    def _joined(self, word: str, part: Callable[[], Guard]) -> tuple[Guard, ...]:
        guards = [part()]
        while self._peek() == word:
            self._at += 1
            guards.append(part())
        return tuple(guards)

    def _term(self) -> Guard:
        match self._peek():
            case "not":
                self._at += 1
                return NotGuard(guard=self._term())
            case "(":
                self._at += 1
                guard = self._any()
                self._expect(")")
                return guard
            case "present":
                self._at += 1
                return self._present()
        return self._comparison()

    def _present(self) -> Guard:
        name = self._next()
        if name not in (self._tagged or ()):
            raise GuardError(f"{self._text!r}: {name!r} is not a tagged field; present takes the name of one")
        return PresentGuard(name=name)

    def _comparison(self) -> Guard:
        left = self._next()
        sign = self._next()
        if sign not in _COMPARE:
            raise GuardError(f"{self._text!r}: {sign!r} is no comparison; use one of == != < <= > >=")
        right = self._next()
        sides = self._operand(left, right), self._operand(right, left)
        if all(isinstance(side, NumberGuard) for side in sides):
            raise GuardError(f"{self._text!r}: {left} {sign} {right} compares two numbers; name a field or tag_count")
        return CompareGuard(operator=sign, left=sides[0], right=sides[1])  # type: ignore[arg-type] # see above

    def _operand(self, token: str, other: str) -> Operand:
        if token == "tag_count":
            if self._tagged is None:
                raise GuardError(f"{self._text!r}: there are no tags here to count; name a field")
            return TagCountGuard()
        if token[0].isdigit():
            return NumberGuard(number=int(token, 0))
        values = self._fields.get(other) or {}
        if token in values:
            return NumberGuard(number=values[token], enum_value=token)
        if token in self._fields:
            return NameGuard(name=token)
        raise GuardError(f"{self._text!r}: {token!r} is neither a numeric field nor a value of the other side's enum")

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> str:
        token = self._peek()
        if token is None:
            raise GuardError(f"{self._text!r}: ends too early; finish the guard")
        self._at += 1
        return token

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise GuardError(f"{self._text!r}: {token!r} is expected instead of {found!r}")


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:
            raise GuardError(f"{text!r}: {stripped[at:].strip()[0]!r} is not part of a guard")
        tokens.append(match.group(match.lastindex or 0))
        at = match.end()
    if not tokens:
        raise GuardError("a guard is empty; remove it or write one")
    if len(tokens) > MAX_TOKENS:
        raise GuardError(f"a guard has more than {MAX_TOKENS} words; make several rules of it")
    return tokens


def written(guard: Guard) -> str:
    """A guard in its own language, in one way for each meaning that the grammar tells apart."""
    match guard:
        case PresentGuard(name=name):
            return f"present {name}"
        case CompareGuard(operator=sign, left=left, right=right):
            return f"{_written_operand(left)} {sign} {_written_operand(right)}"
        case NotGuard(guard=inner):
            return f"not {_within(inner)}"
        case AllGuard(guards=inner_guards):
            return " and ".join(map(_within, inner_guards))
        case AnyGuard(guards=inner_guards):
            return " or ".join(map(_within, inner_guards))


def _within(guard: Guard) -> str:
    return f"({written(guard)})" if isinstance(guard, AllGuard | AnyGuard) else written(guard)


def _written_operand(operand: Operand) -> str:
    match operand:
        case NameGuard(name=name):
            return name
        case NumberGuard(number=number, enum_value=enum_value):
            return enum_value or str(number)
        case TagCountGuard():
            return "tag_count"


def names(guard: Guard) -> set[str]:
    """The fields and tags that a guard looks at."""
    match guard:
        case PresentGuard(name=name):
            return {name}
        case CompareGuard(left=left, right=right):
            return {side.name for side in (left, right) if isinstance(side, NameGuard)}
        case NotGuard(guard=inner):
            return names(inner)
        case AllGuard(guards=inner_guards) | AnyGuard(guards=inner_guards):
            return set[str]().union(*map(names, inner_guards))


def holds(guard: Guard, numbers: Mapping[str, int], present: Collection[str], tag_count: int) -> bool:
    """Whether a guard is true of a message: the numbers of its fields, the tags that it has, and how many."""
    match guard:
        case PresentGuard(name=name):
            return name in present
        case CompareGuard(operator=sign, left=left, right=right):
            sides = (_number(side, numbers, tag_count) for side in (left, right))
            return _COMPARE[sign](*sides)
        case NotGuard(guard=inner):
            return not holds(inner, numbers, present, tag_count)
        case AllGuard(guards=inner_guards):
            return all(holds(inner, numbers, present, tag_count) for inner in inner_guards)
        case AnyGuard(guards=inner_guards):
            return any(holds(inner, numbers, present, tag_count) for inner in inner_guards)


def _number(operand: Operand, numbers: Mapping[str, int], tag_count: int) -> int:
    match operand:
        case NameGuard(name=name):
            return numbers[name]
        case NumberGuard(number=number):
            return number
        case TagCountGuard():
            return tag_count
