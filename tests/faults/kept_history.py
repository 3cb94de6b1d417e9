"""Whether a history can be: everything that clients have said and heard, what workers have run, what there is in the end.

It shares no code with the scheduler and knows nothing of how it works: it reads what was written down by those who were
there, and says in sentences what must not be.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SUCCEEDED = "1"


@dataclass
class History:
    """What was written down, by id."""

    said: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    #: What clients got: outcomes with bodies.
    results: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    #: What one connection was told wrong.
    wrong: list[str] = field(default_factory=list)
    #: How often the code of each task has run.
    runs: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    def read_client(self, path: Path) -> None:
        """Takes in the log of a client."""
        said: set[str] = set()
        told: Counter[str] = Counter()
        # What the client had begun to write when it died was not written.
        for line in path.read_text("utf-8").split("\n")[:-1]:
            word, name, *rest = [*line.split(" "), ""]
            match word:
                case "met":
                    said, told = set(), Counter()
                    self.connections += 1
                case "said":
                    self.said.add(name)
                    said.add(name)
                case "accepted":
                    self.accepted.add(name)
                    said.discard(name)
                case "refused":
                    self.refused.add(name)
                case "lost":
                    self.lost.add(name)
                case "result":
                    self.results.setdefault(name, set()).add((rest[0], rest[1]))
                    told[name] += 1
                    if told[name] > 1:
                        self.wrong.append(f"{name} got its result {told[name]} times on one connection")
                    if name in said:
                        self.wrong.append(f"{name} got its result before its Submit was accepted")

    def read_worker(self, path: Path) -> None:
        """Takes in what workers have noted: an id for each run."""
        self.runs.update(path.read_text("utf-8").split())

    def impossible(self, there: Iterable[dict[str, Any]], bodies: dict[str, bytes]) -> list[str]:
        """What cannot be, given what the scheduler has in the end and the bodies that were submitted."""
        found = list(self.wrong)
        states: dict[str, list[str]] = {}
        for task in there:
            states.setdefault(task["id"], []).append(task["state"])
        found += [f"{name} was accepted and is not known any more" for name in self.lost]
        found += [f"{name} is there {len(all_)} times" for name, all_ in states.items() if len(all_) > 1]
        found += [f"{name} was never submitted" for name in states.keys() - self.said]
        found += [f"{name} was refused and is there" for name in states.keys() & (self.refused - self.accepted)]
        for name in sorted(self.accepted):
            if name not in states:
                found.append(f"{name} was accepted and is gone")
            elif states[name] != ["succeeded"]:
                found.append(f"{name} was accepted and is {states[name]}")
            elif not self.runs[name]:
                found.append(f"{name} has succeeded and never run")
            if name not in self.results:
                found.append(f"{name} was accepted and nobody got its result")
        for name, results in self.results.items():
            right = {(_SUCCEEDED, hashlib.sha256(bodies[name]).hexdigest())}
            if results != right:
                found.append(f"{name} ended with {results}, and not with {right}")
        return found
