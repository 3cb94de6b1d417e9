"""Our client, broken in one way: `broken_client.py NAME` is its adapter."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import broken_openers
import msgspec
from breaking import Mutants, adapter_of, after, before, nothing, wrapped

from wiretask_client import ids
from wiretask_client.core import core, ledger, requests, session
from wiretask_protocol import encode
from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.messages import CancelMode, Hello, HelloKind, Outcome, Query, Result, Submit

MUTANTS = Mutants()
mutant = MUTANTS.add
#: As things that can be written to.
_Core: Any = core.Core
_Session: Any = session.Session
_Ledger: Any = ledger.Ledger
_Submit: Any = requests.SubmitRequest
_Cancel: Any = requests.CancelRequest
_Ids: Any = ids.TaskIds
_requests: Any = requests


# The connection


@mutant
def asks_before_the_accept() -> None:
    after(_Session, "_greet", lambda self, name, agent: self.out.append(encode(Query(1, bytes(16)))))


@mutant
def takes_every_accept() -> None:
    before(_Session, "_on_accept", lambda self, message: setattr(self, "_nonce", message.nonce))


def _heard(change: Any) -> None:
    """Something done to each Hello before it is heard; None is not heard at all."""

    def make(on_hello: Any) -> Any:
        def hearing(self: Any, message: Hello, taken: Any) -> None:
            heard = change(self, message)
            if heard is not None:
                on_hello(self, heard, taken)

        return hearing

    wrapped(_Session, "_on_hello", make)


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
            self.out.append(encode(message))
        return message

    _heard(pong)


@mutant
def never_pings() -> None:
    def make(ping: Any) -> Any:
        return nothing

    wrapped(_Session, "ping", make)
    before(_Session, "tick", lambda self, now: setattr(self, "_last_sent", now))


@mutant
def never_notices_silence() -> None:
    before(_Session, "tick", lambda self, now: setattr(self, "_last_received", now))


@mutant
def comes_back_at_once() -> None:
    after(_Session, "_on_goodbye", lambda self, message: setattr(self, "reconnect_after_seconds", None))


@mutant
def leaves_without_a_word() -> None:
    _Session.leave = lambda self: setattr(self, "closing", True)


@mutant
def answers_errors() -> None:
    def answer(self: Any, _message: Any, _taken: Any) -> None:
        self.out.append(encode(error_message(ErrorCode.INTERNAL)))

    after(_Session, "_on_error", answer)


@mutant
def takes_every_seq() -> None:
    def make(sort: Any) -> Any:
        def sorting(self: Any, messages: Any, taken: Any) -> None:
            for message in messages:
                if isinstance(message, Result):
                    self._result_seq = message.seq - 1
                sort(self, [message], taken)

        return sorting

    wrapped(_Session, "_sort", make)


@mutant
def never_accepts_a_result() -> None:
    before(_Session, "take_out", lambda self: setattr(self, "_accepted_result_seq", self._result_seq))


# Submitting


@mutant
def makes_ids_without_a_placement() -> None:
    wrapped(_Ids, "make", lambda make: lambda self, queue: make(self, queue)[:14] + b"\0\0")


@mutant
def has_no_bound_to_what_is_unaccepted() -> None:
    before(_Ledger, "frames", lambda self, out, now, most: setattr(self, "window", 1 << 40))


@mutant
def sends_what_is_too_long() -> None:
    before(_Ledger, "frames", lambda self, out, now, most: setattr(self, "frame_limit", 1 << 40))


@mutant
def an_accepted_is_for_all() -> None:
    wrapped(_Ledger, "on_accepted", lambda accepted: lambda self, seq: accepted(self, max(seq, self._seq)))


@mutant
def does_not_hear_refusals() -> None:
    _Ledger.on_error = nothing


@mutant
def takes_an_accepted_of_what_it_never_sent() -> None:
    wrapped(_Ledger, "on_accepted", lambda accepted: lambda self, seq: accepted(self, min(seq, self._seq)))


@mutant
def every_task_succeeds() -> None:
    def make(on_result: Any) -> Any:
        return lambda self, message: on_result(self, msgspec.structs.replace(message, outcome=Outcome.SUCCEEDED))

    wrapped(_Ledger, "on_result", make)


@mutant
def mixes_results_up() -> None:
    def make(on_result: Any) -> Any:
        def mixed(self: Any, message: Any) -> None:
            first = next(iter(self._open), message.task_id)
            on_result(self, msgspec.structs.replace(message, task_id=first))

        return mixed

    wrapped(_Ledger, "on_result", make)


# Reconnecting


@mutant
def never_repeats() -> None:
    before(_Ledger, "interrupted", lambda self: self._unaccepted.clear())


@mutant
def repeats_without_saying_so() -> None:
    _requests._REPEAT = 0


@mutant
def repeats_under_a_new_id() -> None:
    def make(message: Any) -> Any:
        def made(self: Any, seq: int) -> Any:
            found = message(self, seq)
            if type(found) is Submit and self.first_sent is not None:
                return msgspec.structs.replace(found, task_id=os.urandom(14) + found.task_id[14:])
            return found

        return made

    wrapped(_Submit, "message", make)


@mutant
def repeats_what_was_accepted() -> None:
    def make(message: Any) -> Any:
        def made(self: Any, seq: int) -> Any:
            accepted, self.accepted = self.accepted, False
            found = message(self, seq)
            self.accepted = accepted
            return found

        return made

    wrapped(_Submit, "message", make)
    _Submit.accept = lambda self: setattr(self, "accepted", True)


@mutant
def repeats_for_ever() -> None:
    _Ledger.forget_older = nothing


@mutant
def goes_on_with_its_seqs() -> None:
    def make(interrupted: Any) -> Any:
        def keeping(self: Any) -> None:
            seq = self._seq
            interrupted(self)
            self._seq = self._accepted_seq = seq

        return keeping

    wrapped(_Ledger, "interrupted", make)


@mutant
def forgets_what_it_awaits() -> None:
    def forget(self: Any) -> None:
        for task_id in [key for key, request in self._open.items() if request.accepted]:
            del self._open[task_id]

    before(_Ledger, "interrupted", forget)


@mutant
def does_not_await_the_task_that_has_its_key() -> None:
    _Ledger._redirect = lambda self, request, existing: None


# Asking


@mutant
def cancels_gently_what_should_be_killed() -> None:
    wrapped(_Cancel, "message", lambda message: lambda self, seq: _gently(message(self, seq)))


def _gently(cancel: Any) -> Any:
    return msgspec.structs.replace(cancel, mode=CancelMode.COOPERATIVE)


@mutant
def names_a_lease_in_cancels() -> None:
    wrapped(_Cancel, "message", lambda message: lambda self, seq: msgspec.structs.replace(message(self, seq), lease=1))


@mutant
def does_not_hear_a_status() -> None:
    _Ledger.on_status = nothing


# Tokens


@mutant
def does_not_know_what_to_say_to_a_challenge() -> None:
    def leave(self: Any, message: Any) -> None:
        if self._opening is None:
            self.closing = True
        else:
            self.out.append(encode(self._opening.prove(message)))

    _Session._on_challenge = leave


@mutant
def asks_with_its_proof() -> None:
    after(_Session, "_on_challenge", lambda self, message: self.out.append(encode(Query(1, bytes(16)))))


@mutant
def tries_a_wrong_token_again_and_again() -> None:
    def make(is_final: Any) -> Any:
        return lambda self, session, verdict: verdict.code != ErrorCode.AUTH_FAILED and is_final(self, session, verdict)

    wrapped(_Core, "_is_final", make)


MUTANTS.update(broken_openers.MUTANTS)

if __name__ == "__main__":
    adapter = adapter_of("client")
    MUTANTS[sys.argv[1]]()
    asyncio.run(adapter.ClientAdapter().run())
