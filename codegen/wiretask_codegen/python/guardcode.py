"""Guards, written as Python conditions over a message `value` and the number of its tags, `tag_count`."""

from __future__ import annotations

from wiretask_codegen.model import (
    AllGuard,
    AnyGuard,
    CompareGuard,
    Guard,
    NameGuard,
    NotGuard,
    NumberGuard,
    PresentGuard,
    Rule,
    TagCountGuard,
)


def condition(guard: Guard) -> str:
    """The condition that a guard is."""
    match guard:
        case PresentGuard(name=name):
            return f"value.{name} is not None"
        case CompareGuard(operator=operator, left=left, right=right):
            return f"{_operand(left)} {operator} {_operand(right)}"
        case NotGuard(guard=inner):
            return f"not ({condition(inner)})"
        case AllGuard(guards=guards):
            return " and ".join(f"({condition(inner)})" for inner in guards)
        case AnyGuard(guards=guards):
            return " or ".join(f"({condition(inner)})" for inner in guards)


def broken(rule: Rule) -> str:
    """The condition under which a rule is broken."""
    require = f"not ({condition(rule.require)})"
    return require if rule.when is None else f"({condition(rule.when)}) and {require}"


def _operand(operand: NameGuard | NumberGuard | TagCountGuard) -> str:
    match operand:
        case NameGuard(name=name):
            return f"value.{name}"
        case NumberGuard(number=number):
            return str(number)
        case TagCountGuard():
            return "tag_count"
