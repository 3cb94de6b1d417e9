"""Our scheduler, broken in one way: `broken_scheduler.py NAME` is its adapter, with `--part` it is the scheduler."""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Any

import broken_options
import broken_tokens
import msgspec
from breaking import Mutants, adapter_of, after, before, nothing, wrapped

from wiretask_protocol import codec
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import Hello, HelloKind, Result, Resume
from wiretask_scheduler import cli, session
from wiretask_scheduler.core import (
    admission,
    broker,
    endings,
    peers,
    queues,
    reports,
    requests,
    sessions,
    shelves,
    state,
    submissions,
    tasks,
)

MUTANTS = Mutants()
mutant = MUTANTS.add
#: As things that can be written to.
_session: Any = session
_endings: Any = endings
_queues: Any = queues
_reports: Any = reports
_requests: Any = requests
_sessions: Any = sessions
_admission: Any = admission
_submissions: Any = submissions
_Session: Any = session.Session
_Tasks: Any = tasks.Tasks
_Worker: Any = peers.Worker
_Peer: Any = peers.Peer
_State: Any = state.State
_Shelf: Any = shelves.Shelf


# The connection


@mutant
def speaks_the_newest_version_of_its_peer() -> None:
    _session._version = lambda hello: hello.versions.max_version


@mutant
def takes_every_version_and_role() -> None:
    _Session.judge = nothing


@mutant
def accepts_with_another_nonce() -> None:
    def make(accept: Any) -> Any:
        def accepting(self: Any, hello: Hello, token: bytes | None) -> Hello:
            accepted: Hello = accept(self, hello, token)
            return msgspec.structs.replace(accepted, nonce=accepted.nonce ^ 1)

        return accepting

    wrapped(_Session, "accept", make)


class _Spoken:
    """The codec of a session, with something done to every pong."""

    def __init__(self, pong: Any) -> None:
        self.pong = pong

    def encode(self, message: Any) -> bytes:
        """As the codec's."""
        if type(message) is Hello and message.kind is HelloKind.PONG:
            message = self.pong(message)
        return codec.encode(message) if message is not None else b""


@mutant
def pongs_with_another_nonce() -> None:
    _session.codec = _Spoken(lambda pong: msgspec.structs.replace(pong, nonce=pong.nonce ^ 1))


@mutant
def never_pongs() -> None:
    _session.codec = _Spoken(nothing)


@mutant
def pongs_to_pongs() -> None:
    def make(receive: Any) -> Any:
        def receiving(self: Any, octets: bytes, now: float) -> Any:
            messages = receive(self, octets, now)
            for message in messages:
                if type(message) is Hello and message.kind is HelloKind.PONG:
                    self.out.append(codec.encode(message))
            return messages

        return receiving

    wrapped(_Session, "receive", make)


@mutant
def never_notices_silence() -> None:
    before(_Session, "tick", lambda self, now: setattr(self, "_heard", now))


@mutant
def waits_for_ever_for_an_open() -> None:
    before(_Session, "tick", lambda self, now: setattr(self, "_began", now))


@mutant
def never_pings() -> None:
    before(_Session, "tick", lambda self, now: setattr(self, "_said", now))


@mutant
def closes_without_a_word() -> None:
    _Session._say = nothing


@mutant
def goes_on_after_an_error() -> None:
    after(_Session, "refuse", lambda self, error: setattr(self, "closing", False))


@mutant
def talks_octets_to_browsers() -> None:
    _session.looks_like_http = lambda octets: False


# Sequences


@mutant
def takes_every_seq() -> None:
    _Peer.take = lambda self, seq, command: setattr(self, "received", seq)


@mutant
def never_accepts() -> None:
    _State.accept = nothing


@mutant
def results_overtake_their_accepted() -> None:
    def make(send: Any) -> Any:
        def sending(state: Any, *rest: Any) -> None:
            accept, state.accept = state.accept, nothing
            send(state, *rest)
            state.accept = accept

        return sending

    wrapped(_endings, "_send_result", make)


@mutant
def results_come_twice() -> None:
    wrapped(_endings, "_send_result", lambda send: lambda *arguments: (send(*arguments), send(*arguments)))


@mutant
def clients_are_told_a_lease() -> None:
    _endings.Result = lambda seq, task_id, _lease, *rest, **tags: Result(seq, task_id, 5, *rest, **tags)


# Leases


@mutant
def leases_go_down() -> None:
    numbers = itertools.count(1 << 40, -1)
    _State.leases = lambda self, count: list(itertools.islice(numbers, count))


@mutant
def every_lease_is_current() -> None:
    def claim(state: Any, worker: Any, result: Any, _now: Any) -> None:
        task = state.tasks.get(result.task_id)
        if task is not None and result.lease not in worker.leases:
            holder = state.sessions.get(task.holder)
            if holder is not None:
                holder.release(task.lease)
            worker.hold(task, result.lease)

    before(_reports, "on_result", claim)


@mutant
def stale_reports_are_not_told() -> None:
    _reports._stale = lambda state, worker, command, report: worker.settle(report.lease)


@mutant
def what_a_lost_worker_had_is_lost() -> None:
    broker._TIMERS["resume"] = nothing


@mutant
def keeps_no_lease_on_a_resume() -> None:
    def make(resume: Any) -> Any:
        return lambda state, worker, message, now: resume(
            state, worker, msgspec.structs.replace(message, leases=()), now
        )

    wrapped(_sessions, "on_resume", make)


@mutant
def keeps_every_lease_that_is_claimed() -> None:
    _sessions.on_resume = lambda state, worker, message, now: state.turn.send(
        worker.number, Resume(worker.session, message.leases)
    )


@mutant
def gives_back_at_the_cost_of_an_attempt() -> None:
    def burn(_state: Any, task: Any, _now: Any) -> None:
        task.rarely().failures += 1

    before(_reports, "given_back", burn)


@mutant
def crashes_are_not_counted() -> None:
    before(_reports, "crashed", lambda state, task, report, now: setattr(task.rarely(), "crashes", 0))


@mutant
def losses_are_not_counted() -> None:
    before(_reports, "lost", lambda state, task, now: setattr(task.rarely(), "losses", 0))


# Credit and order


@mutant
def ignores_credit() -> None:
    _Worker.free = property(lambda self: 1000 if self.number and self.slots and not self.draining else 0)


@mutant
def sends_tasks_after_a_goodbye() -> None:
    _Worker.free = property(lambda self: self.slots - self.outstanding if self.number else 0)


@mutant
def ignores_priority() -> None:
    def make(shared: Any) -> Any:
        return lambda self, options: shared(self, msgspec.structs.replace(options, priority=5))

    wrapped(_Tasks, "shared", make)


@mutant
def last_come_goes_first() -> None:
    _Shelf.put = lambda self, task: self._tasks.appendleft(task)


@mutant
def sends_tasks_of_types_that_nobody_knows() -> None:
    _Worker.can_take = lambda self, lane: lane.queue in self.queues


# Tasks


@mutant
def refuses_what_it_knows() -> None:
    def refuse(state: Any, client: Any, submit: Any, _now: Any) -> None:
        if state.tasks.get(submit.task_id) is not None:
            state.refuse(client.number, error_message(ErrorCode.ID_TAKEN, command=7, seq=submit.seq))

    before(_submissions, "on_submit", refuse)


class _Anything:
    def __ne__(self, other: object) -> bool:
        return False

    __eq__ = None  # type: ignore[assignment] # nobody asks
    __hash__ = None  # type: ignore[assignment] # nobody asks


@mutant
def does_not_look_at_placements() -> None:
    _queues.placement = lambda queue: _Anything()


@mutant
def takes_reserved_names() -> None:
    def make(refusal: Any) -> Any:
        def refusing(*arguments: Any) -> Any:
            found = refusal(*arguments)
            return None if found is not None and found[0] is ErrorCode.RESERVED_NAME else found

        return refusing

    wrapped(_admission, "_of_envelope", make)


@mutant
def ignores_cancels() -> None:
    _requests.stop = nothing


@mutant
def tells_no_worker_of_a_cancel() -> None:
    _requests.ask_worker_to_stop = nothing


@mutant
def every_failure_is_the_first() -> None:
    def forget(_state: Any, _worker: Any, task: Any, *_rest: Any, **_options: Any) -> None:
        if task.rare is not None:
            task.rare.failures = 0

    after(_reports, "failed", forget)


def _changed(change: Any) -> None:
    """Every Result of a worker, with something done to it."""

    def make(on_result: Any) -> Any:
        return lambda state, worker, result, now: on_result(state, worker, change(result), now)

    wrapped(_reports, "on_result", make)


@mutant
def tries_again_what_must_not_be() -> None:
    _changed(lambda result: msgspec.structs.replace(result, no_retry=None))


@mutant
def drops_what_it_does_not_know_of_a_report() -> None:
    def known(result: Any) -> Any:
        report = codec.decode_report(result.report)
        return msgspec.structs.replace(result, report=codec.encode_report(msgspec.structs.replace(report, unknown=())))

    _changed(known)


@mutant
def passes_no_progress_on() -> None:
    _reports.on_progress = nothing


@mutant
def tells_no_status() -> None:
    _requests.on_query = lambda state, client, query, now: client.take(query.seq, 13)


@mutant
def forgets_everything_when_it_is_killed() -> None:
    """Done by the arguments, below."""


MUTANTS.update(broken_options.MUTANTS)
MUTANTS.update(broken_tokens.MUTANTS)


def part(name: str, arguments: list[str]) -> None:
    """The scheduler itself, broken."""
    MUTANTS[name]()
    if name == "forgets_everything_when_it_is_killed":
        arguments = ["memory:" if word.startswith("sqlite:") else word for word in arguments]
    sys.argv = ["wiretask-scheduler", *arguments]
    cli.main()


if __name__ == "__main__":
    if sys.argv[1] == "--part":
        part(sys.argv[2], sys.argv[3:])
    else:
        adapter = adapter_of("scheduler")
        adapter.SchedulerAdapter.command = (sys.executable, __file__, "--part", sys.argv[1])
        asyncio.run(adapter.SchedulerAdapter().run())
