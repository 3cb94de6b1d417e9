"""One task with its whole story: what it asks for, what has happened to it, what its last worker said, why it waits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from wiretask_protocol import codec
from wiretask_protocol.errors import WireError
from wiretask_protocol.messages import Encoding, TaskState, WaitReason
from wiretask_scheduler.core import explain
from wiretask_scheduler.core.records import StoredTask
from wiretask_scheduler.core.tasks import Attempt, Options, Rare
from wiretask_scheduler.core.tasks import Task as Record
from wiretask_scheduler.flow import Flow
from wiretask_scheduler.http import shapes
from wiretask_scheduler.http.answers import FLOW, RefusedError, task_id
from wiretask_scheduler.http.listing import ended_task, live_task, outcome_word, state_word

#: What is shown of a body, and of a traceback.
BODY_OCTETS, TRACEBACK_CHARACTERS = 8192, 65536
#: A task that ends, or lives again, while the store is asked is looked at again.
_LOOKS = 4
_NOTHING = Rare()
#: What every task says, or says elsewhere in the answer.
_ELSEWHERE = frozenset({"type", "queue", "priority", "limited"})


async def task(request: web.Request) -> shapes.Story:
    """A task with its whole story."""
    flow, wanted = request.app[FLOW], task_id(request)
    for _ in range(_LOOKS):
        live = flow.broker.state.tasks.get(wanted)
        if live is not None:
            seq = live.seq
            await flow.settled()
            envelope = await flow.lists.read(lambda seq=seq: flow.store.envelope(seq))  # type: ignore[misc]
            if flow.broker.state.tasks.get(wanted) is live:
                return _of_live(flow, live, envelope)
            continue
        # It may have ended this very moment: then the store has it as soon as that is durable.
        await flow.settled()
        stored = (await flow.lists.read(lambda: flow.store.tasks([wanted]))).get(wanted)
        if stored is not None:
            seq = stored.seq
            envelope = await flow.lists.read(lambda seq=seq: flow.store.envelope(seq))  # type: ignore[misc]
            return _of_ended(stored, envelope)
        if flow.broker.state.tasks.get(wanted) is None:
            break
    raise RefusedError("no task has this id, or not any more: it was purged, or kept for as long as was asked", 404)


def _of_live(flow: Flow, live: Record, envelope: bytes | None) -> shapes.Story:
    state = flow.broker.state
    rare = live.rare or _NOTHING
    worker = state.sessions.get(live.holder) if live.lease else None
    since = state.stopwatch.since(worker, live.lease) if worker is not None else None
    started = rare.started if rare.started and live.lease else None
    if since is not None:
        started = time.time() - (time.monotonic() - since)
    started_ms = int(started * 1000) if started is not None else None
    reason, text = explain.why(state, live)
    due = rare.due if not live.lease else None
    ahead: list[shapes.Moment] = []
    if live.lease:
        name = worker.name if worker is not None else "a worker"
        text_ = f"attempt {live.attempt} is with {name}"
        ahead = [shapes.Moment(what="running", at_ms=started_ms, text=text_, worker=name, attempt=live.attempt)]
    elif due is not None:
        ahead = [shapes.Moment(what="due", at_ms=due, text=f"attempt {live.attempt} is due", attempt=live.attempt)]
    elif reason:
        ahead = [shapes.Moment(what="waiting", at_ms=None, text=text)]
    if rare.expires is not None and not live.lease:
        ahead.append(shapes.Moment(what="expires", at_ms=rare.expires, text="it expires if it has not begun"))
    return shapes.Story(
        **_fields(live_task(live)),
        outcome=None,
        worker=worker.name if worker is not None else None,
        started_ms=started_ms,
        due_ms=due,
        expires_ms=rare.expires,
        deliveries=rare.deliveries,
        crashes=rare.crashes,
        losses=rare.losses,
        options=_options(live.options),
        after=[found.hex() for found in rare.links.after] if rare.links is not None else [],
        waits=shapes.Wait(reason=_reason(reason), text=text) if reason else None,
        arguments=_arguments(envelope),
        report=None,
        story=[_submitted(live.submitted, live.options), *_attempts(rare.history), *ahead],
        can=["cancel"],
    )


def _of_ended(stored: StoredTask, envelope: bytes | None) -> shapes.Story:
    word = state_word(stored.state)
    dead = stored.state == TaskState.DEAD
    outcome = outcome_word(stored.outcome or 0)
    text = _ENDS.get(TaskState(stored.state), word).format(attempt=stored.attempt, outcome=outcome)
    end = shapes.Moment(
        what=word,  # type: ignore[arg-type] # those of ended tasks are among them
        at_ms=stored.ended,
        text=text,
        attempt=stored.attempt,
        outcome=outcome,
    )
    return shapes.Story(
        **_fields(ended_task(stored)),
        outcome=outcome,
        worker=stored.history[-1].worker if dead and stored.history else None,
        started_ms=None,
        due_ms=None,
        expires_ms=stored.expires,
        deliveries=0,
        crashes=stored.crashes,
        losses=stored.losses,
        options=_options(stored.options),
        after=[found.hex() for found in stored.links.after] if stored.links is not None else [],
        waits=None,
        arguments=_arguments(envelope),
        report=_report(stored.report),
        story=[_submitted(stored.submitted, stored.options), *_attempts(stored.history), end],
        can=["retry", "purge"] if dead else [],
    )


_ENDS = {
    TaskState.SUCCEEDED: "attempt {attempt} succeeded",
    TaskState.DEAD: "given up after attempt {attempt} ({outcome})",
    TaskState.CANCELLED: "cancelled, because somebody asked for it",
    TaskState.EXPIRED: "expired before a worker could begin it",
}


def _fields(line: shapes.Task) -> dict[str, Any]:
    return {name: getattr(line, name) for name in line.__struct_fields__}


def _reason(reason: int) -> str:
    return WaitReason(reason).name.lower()


def _options(options: Options) -> dict[str, Any]:
    usual = Options(options.type, options.queue, options.priority)
    said = {
        name: getattr(options, name)
        for name in options.__struct_fields__
        if name not in _ELSEWHERE and getattr(options, name) != getattr(usual, name)
    }
    found: dict[str, Any] = msgspec.to_builtins(said)
    return found


def _submitted(at_ms: int, options: Options) -> shapes.Moment:
    return shapes.Moment(what="submitted", at_ms=at_ms, text=f"submitted to the queue {options.queue}")


def _attempts(history: Sequence[Attempt]) -> list[shapes.Moment]:
    return [
        shapes.Moment(
            what="attempt",
            at_ms=attempt.ended,
            text=": ".join(filter(None, (attempt.error_type, attempt.error_message))) or outcome_word(attempt.outcome),
            worker=attempt.worker,
            attempt=attempt.attempt,
            outcome=outcome_word(attempt.outcome),
        )
        for attempt in history
    ]


def _arguments(envelope: bytes | None) -> shapes.Body | None:
    if not envelope:
        return None
    try:
        read = codec.decode_envelope(envelope)
    except WireError:
        return None
    return _body(read.encoding, read.body)


def _report(report: bytes | None) -> shapes.Report | None:
    if report is None:
        return None
    try:
        said = codec.decode_report(report)
    except WireError:
        return None
    traceback = said.traceback
    return shapes.Report(
        error_type=said.error_type,
        error_message=said.error_message,
        # What was raised stands at its end.
        traceback=traceback[-TRACEBACK_CHARACTERS:] if traceback is not None else None,
        result=_body(said.encoding, said.body) if said.body else None,
    )


def _body(encoding: int, body: bytes) -> shapes.Body:
    beginning = body[:BODY_OCTETS]
    cut = len(body) > len(beginning)
    try:
        # A letter that is cut in the middle is none.
        text: str | None = beginning.decode("utf-8", "strict" if not cut else "ignore")
    except UnicodeDecodeError:
        text = None
    if text is not None and not all(letter.isprintable() or letter in "\n\r\t" for letter in text):
        text = None
    known = {each.value: each.name.lower() for each in Encoding}
    return shapes.Body(encoding=known.get(encoding, str(encoding)), octets=len(body), text=text, cut=cut)
