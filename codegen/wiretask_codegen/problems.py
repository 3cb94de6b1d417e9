"""What is wrong with a spec: one line for each problem, with its place and the remedy."""

from __future__ import annotations

from dataclasses import dataclass, field

from wiretask_codegen.model import Place


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One refusal: where, which rule (a stable code), what is wrong and what to do."""

    file: str
    line: int
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code}: {self.text}"


class SpecError(Exception):
    """The spec is refused; `problems` says why, in the order of the files."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(slots=True)
class Problems:
    """Collects problems, so that a user sees all of them at once."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: Place, code: str, text: str) -> None:
        """Notes one problem."""
        self.found.append(Problem(place.file, place.line, code, text))

    def refuse_if_any(self) -> None:
        """Raises SpecError if anything has been noted."""
        if self.found:
            raise SpecError(self.found)
