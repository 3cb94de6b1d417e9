"""Our worker, broken in one way: `broken_worker.py NAME` is its adapter."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import broken_openers
import msgspec
from breaking import Mutants, adapter_of, after, before, nothing, wrapped

from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import CancelMode, Hello, HelloKind, Outcome, Result, ReturnReason, Subscribe
from wiretask_worker import link
from wiretask_worker.core import desk, line, results, session

MUTANTS = Mutants()
mutant = MUTANTS.add
#: As things that can be written to.
_Desk: Any = desk.Desk
_desk: Any = desk
_Line: Any = line.Line
_Results: Any = results.Results
_Session: Any = session.Session
_Link: Any = link.Link
_results: Any = results


# The connection


@mutant
def subscribes_before_the_accept() -> None:
    after(_Link, "connection_made", lambda self, transport: self.send([Subscribe((), ())]))


@mutant
def takes_every_accept() -> None:
    before(_Line, "accept", lambda self, message: setattr(self, "_nonce", message.nonce))


@mutant
def speaks_versions_that_it_does_not_know() -> None:
    def make(accept: Any) -> Any:
        return lambda self, message: accept(self, msgspec.structs.replace(message, version=1))

    wrapped(_Line, "accept", make)


def _heard(change: Any) -> None:
    """Something done to each Hello before it is heard; None is not heard at all."""

    def make(on_hello: Any) -> Any:
        def hearing(self: Any, message: Hello, now: float) -> None:
            heard = change(self, message)
            if heard is not None:
                on_hello(self, heard, now)

        return hearing

    wrapped(_Session, "on_hello", make)


@mutant
def never_pongs() -> None:
    _heard(lambda self, message: None if message.kind is HelloKind.PING else message)


@mutant
def pongs_with_another_nonce() -> None:
    def other(_self: Any, message: Hello) -> Hello:
        return msgspec.structs.replace(message, nonce=message.nonce ^ 1) if message.kind is HelloKind.PING else message

    _heard(other)


@mutant
def pongs_to_pongs() -> None:
    def pong(self: Any, message: Hello) -> Hello:
        if message.kind is HelloKind.PONG:
            self.desk.turn.sends.append(message)
        return message

    _heard(pong)


@mutant
def never_pings() -> None:
    def due(self: Any, now: float) -> bool:
        self.sent_at = now
        return False

    _Line.ping_due = due


@mutant
def never_notices_silence() -> None:
    def overdue(self: Any, now: float) -> None:
        self.heard_at = now

    _Line.overdue = overdue


@mutant
def comes_back_at_once() -> None:
    after(_Session, "on_goodbye", lambda self, message: setattr(self, "stay_away", 0.0))


@mutant
def stays_after_a_goodbye_before_the_accept() -> None:
    after(_Session, "on_goodbye", lambda self, message: setattr(self.desk.turn, "close", False))


@mutant
def leaves_at_every_error() -> None:
    after(_Session, "on_error", lambda self, message: setattr(self.desk.turn, "close", True))


@mutant
def answers_errors() -> None:
    after(_Session, "on_error", lambda self, message: self.desk.turn.sends.append(error_message(ErrorCode.INTERNAL)))


# Results


@mutant
def forgets_results_that_were_sent() -> None:
    before(_Results, "disconnect", lambda self: self._unaccepted.clear())


@mutant
def goes_on_with_its_seqs() -> None:
    def make(disconnect: Any) -> Any:
        def keeping(self: Any) -> None:
            seq = self._seq
            disconnect(self)
            self._seq = seq

        return keeping

    wrapped(_Results, "disconnect", make)


@mutant
def takes_an_accepted_for_nothing() -> None:
    _Results.accept = lambda self, seq: True


@mutant
def has_no_bound_to_what_is_unaccepted() -> None:
    _Results.in_flight = property(lambda self: 1 << 40, nothing)


def _reported(change: Any) -> None:
    _results.Result = lambda *fields: change(Result(*fields))


@mutant
def reports_under_another_lease() -> None:
    _reported(lambda result: msgspec.structs.replace(result, lease=result.lease + 1))


@mutant
def never_says_no_retry() -> None:
    _reported(lambda result: msgspec.structs.replace(result, no_retry=None))


@mutant
def never_says_when_to_retry() -> None:
    _reported(lambda result: msgspec.structs.replace(result, retry_after=None))


@mutant
def reports_everything_twice() -> None:
    wrapped(
        _Results, "_send", lambda send: lambda self, kept, sends: (send(self, kept, sends), send(self, kept, sends))
    )


# Resume


@mutant
def never_resumes() -> None:
    before(_Session, "_on_accept", lambda self, message, now: setattr(self.line, "session", None))


@mutant
def names_no_lease_on_a_resume() -> None:
    _Desk.leases = lambda self: iter(())


@mutant
def reports_what_it_was_not_allowed_to_keep() -> None:
    _Desk.retain = nothing


@mutant
def believes_an_unsent_resume() -> None:
    before(_Session, "on_resume", lambda self, message, now: setattr(self.line, "stage", line.Stage.RESUMING))


# Cancels and Retracts


@mutant
def ignores_cancels() -> None:
    _Desk.cancel = nothing


@mutant
def never_accepts_a_cancel() -> None:
    after(_Session, "on_cancel", lambda self, message, now: setattr(self, "_owed", 0))


@mutant
def takes_every_seq() -> None:
    _Line.heard = lambda self, seq: True


@mutant
def reports_what_another_has() -> None:
    def make(cancel: Any) -> Any:
        return lambda self, task_id, lease, mode, now: cancel(self, task_id, lease, CancelMode.COOPERATIVE, now)

    wrapped(_Desk, "cancel", make)


@mutant
def ignores_retracts() -> None:
    _Desk.retract = nothing


@mutant
def keeps_what_has_not_begun() -> None:
    def retract(self: Any, task_id: bytes, lease: int) -> None:
        if self._current(task_id, lease) is not None:
            self._answer(task_id, lease, results.GivenBack(ReturnReason.KEPT))

    _Desk.retract = retract


@mutant
def answers_every_retract() -> None:
    def again(self: Any, task_id: bytes, lease: int) -> None:
        if self._current(task_id, lease) is None:
            self._answer(task_id, lease, results.GivenBack(ReturnReason.RETRACTED))

    before(_Desk, "retract", again)


# Tasks


@mutant
def begins_the_last_first() -> None:
    before(_Desk, "begin", lambda self, now: self._waiting.reverse())


@mutant
def never_says_what_has_begun() -> None:
    _Desk.begun = property(lambda self: 0, nothing)


def _arriving(**changed: int) -> None:
    """Every task, with something else in it."""

    def make(arrive: Any) -> Any:
        return lambda self, task, now: arrive(self, msgspec.structs.replace(task, **changed), now)

    wrapped(_Desk, "arrive", make)


@mutant
def has_no_time_limit() -> None:
    _arriving(time_limit=0)


@mutant
def begins_what_is_too_late() -> None:
    _arriving(remaining=0)


def _gathered(change: Any) -> None:
    """The results of every group, with something done to them."""

    def make(arrive: Any) -> Any:
        def arriving(self: Any, task: Any, now: float) -> None:
            gathered = task.gathered
            if gathered is not None:
                gathered = msgspec.structs.replace(gathered, results=tuple(change(gathered.results)))
            arrive(self, msgspec.structs.replace(task, gathered=gathered), now)

        return arriving

    wrapped(_Desk, "arrive", make)


@mutant
def gathers_backwards() -> None:
    _gathered(reversed)


@mutant
def takes_every_member_for_a_success() -> None:
    _gathered(lambda results: [msgspec.structs.replace(each, outcome=Outcome.SUCCEEDED) for each in results])


@mutant
def runs_callbacks_whose_results_it_cannot_read() -> None:
    _desk.results_unreadable = nothing


@mutant
def keeps_quiet_of_what_it_cannot_run() -> None:
    _Desk._refuse = nothing


@mutant
def drains_without_giving_back() -> None:
    wrapped(_Desk, "give_up_waiting", lambda give_up: lambda self, end: give_up(self, None))


# Tokens


@mutant
def does_not_know_what_to_say_to_a_challenge() -> None:
    before(_Session, "_give_up", lambda self, code, why: setattr(self.desk.turn, "sends", _Deaf()))


class _Deaf(list[Any]):
    """Sends nothing."""

    def append(self, message: Any) -> None:
        """Forgets it."""


@mutant
def subscribes_with_its_proof() -> None:
    after(_Session, "on_challenge", lambda self, message: self.desk.turn.sends.append(Subscribe((), ())))


@mutant
def tries_a_wrong_token_again_and_again() -> None:
    def forget(self: Any, message: Any) -> None:
        if message.code == ErrorCode.AUTH_FAILED:
            self.desk.turn.refused = None

    after(_Session, "on_error", forget)


MUTANTS.update(broken_openers.MUTANTS)

if __name__ == "__main__":
    adapter = adapter_of("worker")
    MUTANTS[sys.argv[1]]()
    asyncio.run(adapter.WorkerAdapter().run())
