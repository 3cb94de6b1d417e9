"""The rules between fields, as the spec writes them: `kind == open`, `present role and not present proof`.

expression = term {"or" term}        term = factor {"and" factor}
factor = "not" factor | "(" expression ")" | "present" NAME | operand COMPARISON operand
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*([()]|==|!=|<=|>=|<|>|\w+)")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def holds(text: str, numbers: Mapping[str, int], present: Mapping[str, Any]) -> bool:
    """Whether a rule holds: `numbers` are the fields and the values of enums, `present` the tags that are there."""
    return _Reading(_TOKEN.findall(text), numbers, present).expression()


class _Reading:
    def __init__(self, tokens: list[str], numbers: Mapping[str, int], present: Mapping[str, Any]) -> None:
        self.tokens = tokens
        self.numbers = numbers
        self.present = present

    def next(self) -> str:
        return self.tokens.pop(0)

    def follows(self, word: str) -> bool:
        if self.tokens[:1] != [word]:
            return False
        self.next()
        return True

    def expression(self) -> bool:
        value = self.term()
        while self.follows("or"):
            value = self.term() or value
        return value

    def term(self) -> bool:
        value = self.factor()
        while self.follows("and"):
            value = self.factor() and value
        return value

    def factor(self) -> bool:
        if self.follows("not"):
            return not self.factor()
        if self.follows("("):
            value = self.expression()
            self.next()
            return value
        if self.follows("present"):
            return self.next() in self.present
        left, comparison, right = self.operand(), self.next(), self.operand()
        return _COMPARISONS[comparison](left, right)

    def operand(self) -> int:
        word = self.next()
        return int(word) if word.isdigit() else self.numbers[word]
