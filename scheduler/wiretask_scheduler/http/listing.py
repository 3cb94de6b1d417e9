"""Lists of tasks, searched and paged by cursor: a page costs the same whatever there is.

The store has the tasks, the core knows in which state those are that live. Nothing here is done on the loop for more
than some tasks in one go.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from wiretask_protocol.messages import Outcome, TaskState
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.tasks import Attempt, Rare
from wiretask_scheduler.core.tasks import Task as Record
from wiretask_scheduler.flow import Flow
from wiretask_scheduler.http import shapes
from wiretask_scheduler.http.answers import FLOW, RefusedError, whole
from wiretask_scheduler.store.window import EVERYTHING, LIVE_STATES, Page, Search

#: Tasks on one page: where nothing is said, and at most.
PAGE, PAGE_MAXIMUM = 100, 1000
STATES = {state.name.lower(): state for state in TaskState}
#: Pages of the store that one page of ours looks through; it is short then, and says where it goes on.
_STORE_PAGES = 8
#: Tasks that are made into shapes in one go.
_IN_ONE_GO = 100
#: Dead tasks that are looked at for their groups.
_GROUPED = 2000
_MOST = 1 << 62


def meant(said: Mapping[str, Any], millis: int) -> Search:
    """Which tasks a request means. Raises ValueError."""
    older = said.get("older_ms")
    for name in ("queue", "type", "error"):
        if not isinstance(said.get(name), str | None):
            raise ValueError(f"{name} is a text")  # noqa: TRY004 -- of a request, not of a programmer
    if older is not None and not (str(older).isascii() and str(older).isdigit() and int(older) < _MOST):
        raise ValueError("older_ms is a number of milliseconds")
    until = None if older is None else millis - int(older)
    return Search(said.get("queue"), said.get("type"), said.get("error"), until)


def fits(search: Search, stored: StoredTask) -> bool:
    """Whether a search means a task; the store has told only some of that."""
    return (
        search.names(stored.options.type, stored.options.queue)
        and search.error in {None, last_error(stored.history)[0]}
        and (search.until is None or (stored.ended or stored.submitted) <= search.until)
    )


def last_error(history: Sequence[Attempt]) -> tuple[str | None, str | None]:
    """The class of the last error of a task, and what it said."""
    last = next((attempt for attempt in reversed(history) if attempt.error_type is not None), None)
    return (None, None) if last is None else (last.error_type, last.error_message)


async def tasks(request: web.Request) -> shapes.TaskPage:
    """Tasks, the newest first, that fit all that is said; `before` is the `next` of the page before."""
    try:
        before = whole(request, "before", None, most=_MOST)
        most = whole(request, "limit", PAGE, most=PAGE_MAXIMUM) or PAGE
        state = STATES[request.query["state"]] if "state" in request.query else None
        search = meant(request.query, int(time.time() * 1000))
    except (ValueError, KeyError):
        raise RefusedError(
            f"limit is 1 to {PAGE_MAXIMUM}, before is the next of a page, older_ms is a number,"
            f" state is one of {', '.join(STATES)}"
        ) from None
    flow = request.app[FLOW]
    if state == TaskState.LEASED:
        return _leased(flow, search, before, most)
    found: list[shapes.Task] = []
    for _ in range(_STORE_PAGES):
        page = await _page(flow, search, before, state, most - len(found))
        for at in range(0, len(page.tasks), _IN_ONE_GO):
            for stored in page.tasks[at : at + _IN_ONE_GO]:
                task = _shown(flow, stored, search, state)
                if task is not None:
                    found.append(task)
            await asyncio.sleep(0)
        before = page.next
        if before is None or len(found) >= most:
            break
    return shapes.TaskPage(tasks=found, next=before)


async def _page(flow: Flow, search: Search, before: int | None, state: int | None, most: int) -> Page:
    """A page of the store, in which those that ended since it was read are as they are now."""
    page = await flow.lists.read(lambda: flow.store.list_tasks(before=before, state=state, most=most, search=search))
    gone = [task.id for task in page.tasks if task.outcome is None and flow.broker.state.tasks.get(task.id) is None]
    if not gone or state is not None:
        return page
    await flow.settled()
    ended = await flow.lists.read(lambda: flow.store.tasks(gone))
    return Page(tasks=[ended.get(task.id, task) for task in page.tasks], next=page.next)


def _shown(flow: Flow, stored: StoredTask, search: Search, wanted: int | None) -> shapes.Task | None:
    """A task as it is now, or None if that is not what is wanted. Of a live one the core knows the state."""
    live = flow.broker.state.tasks.get(stored.id)
    state = int(live.state) if live is not None else stored.state
    if wanted is not None and (state != wanted or (live is None and wanted in LIVE_STATES)):
        return None
    if search is not EVERYTHING and not fits(search, stored):
        return None
    return live_task(live) if live is not None else ended_task(stored)


def _leased(flow: Flow, search: Search, before: int | None, most: int) -> shapes.TaskPage:
    """Those that workers have: there are as many as there are slots, and the core has them at hand."""
    sessions = flow.broker.state.sessions.values()
    held = (task for worker in sessions for task in worker.leases.values())
    fitting = (
        task
        for task in held
        if (before is None or task.seq < before)
        and search.names(task.options.type, task.options.queue)
        and search.error in {None, task.rare.error_type if task.rare is not None else None}
        and (search.until is None or task.submitted <= search.until)
    )
    newest = heapq.nlargest(most + 1, fitting, key=lambda task: task.seq)
    more = newest[most - 1].seq if len(newest) > most else None
    return shapes.TaskPage(tasks=[live_task(task) for task in newest[:most]], next=more)


_NOTHING = Rare()


def live_task(task: Record) -> shapes.Task:
    """A task that has not ended."""
    rare = task.rare or _NOTHING
    options = task.options
    return shapes.Task(
        id=task.id.hex(),
        type=options.type,
        queue=options.queue,
        priority=options.priority,
        state=state_word(task.state),
        attempt=task.attempt,
        submitted_ms=task.submitted,
        ended_ms=None,
        error_type=rare.error_type,
        error_message=rare.error_message,
        attempts=attempts(rare.history),
    )


def ended_task(stored: StoredTask) -> shapes.Task:
    """A task that has ended."""
    error_type, error_message = last_error(stored.history)
    return shapes.Task(
        id=stored.id.hex(),
        type=stored.options.type,
        queue=stored.options.queue,
        priority=stored.options.priority,
        state=state_word(stored.state),
        attempt=stored.attempt,
        submitted_ms=stored.submitted,
        ended_ms=stored.ended,
        error_type=error_type,
        error_message=error_message,
        attempts=attempts(stored.history),
    )


def state_word(state: int) -> shapes.State:
    """A state as people read it."""
    return _WORDS[int(state)]


_WORDS: dict[int, shapes.State] = {state.value: state.name.lower() for state in TaskState}  # type: ignore[misc]


def outcome_word(outcome: int) -> str:
    """An outcome as people read it; those that are not known yet are numbers."""
    return _OUTCOMES.get(outcome, str(outcome))


_OUTCOMES = {outcome.value: outcome.name.lower() for outcome in Outcome}


def attempts(history: Sequence[Attempt]) -> list[shapes.Attempt]:
    """How deliveries went."""
    return [
        shapes.Attempt(
            attempt=attempt.attempt,
            outcome=outcome_word(attempt.outcome),
            ended_ms=attempt.ended,
            worker=attempt.worker,
            error_type=attempt.error_type,
            error_message=attempt.error_message,
        )
        for attempt in history
    ]


async def dead_groups(request: web.Request) -> shapes.DeadGroups:
    """What has failed for good, by type, queue and the class of the last error, of the newest dead tasks."""
    flow = request.app[FLOW]
    counts: Counter[tuple[str, str, str | None]] = Counter()
    newest: dict[tuple[str, str, str | None], StoredTask] = {}
    before, counted = None, 0
    while counted < _GROUPED:
        at = before
        page = await flow.lists.read(
            lambda at=at: flow.store.list_tasks(before=at, state=TaskState.DEAD, most=500)  # type: ignore[misc]
        )
        for stored in page.tasks:
            key = (stored.options.type, stored.options.queue, last_error(stored.history)[0])
            counts[key] += 1
            newest.setdefault(key, stored)
        counted += len(page.tasks)
        before = page.next
        if before is None:
            break
    groups = [
        shapes.DeadGroup(
            type=task_type,
            queue=queue,
            error_type=error,
            count=count,
            last_ms=newest[task_type, queue, error].ended or 0,
            sample=newest[task_type, queue, error].id.hex(),
            error_message=last_error(newest[task_type, queue, error].history)[1],
        )
        for (task_type, queue, error), count in counts.most_common()
    ]
    return shapes.DeadGroups(groups=groups, counted=counted, complete=before is None)
