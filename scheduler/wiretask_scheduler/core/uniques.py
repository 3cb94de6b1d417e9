"""Unique keys: of tasks with the same key only one is taken in, as long as it holds the key."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from wiretask_protocol import codec
from wiretask_protocol.errors import WireError
from wiretask_protocol.messages import UniqueKey, UniqueScope, UniqueUntil
from wiretask_scheduler.core import facts
from wiretask_scheduler.core.grants import NOBODY
from wiretask_scheduler.core.tasks import Task
from wiretask_scheduler.core.turn import Now

if TYPE_CHECKING:
    from wiretask_scheduler.core.state import State

#: Two of 2³² keys are the same with a probability of 2⁻⁹⁷.
_OCTETS = 20


def key(unique: UniqueKey, task_type: str, queue: str, envelope: bytes, principal: str = NOBODY) -> bytes:
    """What a unique key is compared by: nobody holds a key against another principal, or hears of its task."""
    parts = [unique.key, queue]
    if principal:
        parts.insert(0, f"{principal}\0")
    if unique.scope != UniqueScope.QUEUE:
        parts.append(task_type)
    digest = sha256("\0".join(parts).encode())
    if unique.scope == UniqueScope.BODY:
        digest.update(b"\0" + _body(envelope))
    return digest.digest()[:_OCTETS]


def _body(envelope: bytes) -> bytes:
    try:
        return codec.decode_envelope(envelope).body
    except WireError:
        # A tag in it cannot be read here; a worker may be able to.
        return envelope


def holder(state: State, unique: bytes) -> bytes | None:
    """The id of the task that holds a key."""
    return state.uniques.get(unique)


def hold(state: State, task: Task, unique: bytes, until: int, millis: int, now: Now) -> None:
    """A task that is taken in holds its key; for a time of so many milliseconds, where it says so."""
    state.uniques[unique] = task.id
    forget = None
    if until == UniqueUntil.TIME:
        forget = now.millis + millis
        state.timers.at(now.monotonic + millis / 1000, "unique", (unique, task.id))
    state.turn.changes.facts[facts.unique(unique)] = facts.Fact(task.id, forget)


def load(state: State, unique: bytes, fact: facts.Fact) -> None:
    """Who held a key when the scheduler stopped."""
    state.uniques[unique] = fact.value
    if fact.forget is not None:
        state.timers.on(fact.forget, "unique", (unique, fact.value))


def release(state: State, unique: bytes, task_id: bytes) -> None:
    """A task lets go of its key."""
    if state.uniques.get(unique) == task_id:
        del state.uniques[unique]
        state.turn.changes.facts[facts.unique(unique)] = None


def begun(state: State, task: Task) -> None:
    """A worker has got a task."""
    links = task.rare.links if task.rare is not None else None
    if links is not None and links.until == UniqueUntil.BEGUN:
        release(state, links.unique, task.id)


def ended(state: State, task: Task) -> None:
    """A task has ended."""
    links = task.rare.links if task.rare is not None else None
    if links is not None and links.unique and links.until != UniqueUntil.TIME:
        release(state, links.unique, task.id)
