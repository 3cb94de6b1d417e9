"""The client's core: requests on one side, one connection after another on the other.

It joins the ledger (what is waited for) and the session (the present connection), and decides what follows when there
is none: when to connect again, and when to give up. Who drives it does this, and nothing else:

    add(request, now)                       something is asked for
    connected / receive / disconnected      what the stream does; `unreachable` when there could be none
    tick(now) at deadline()                 time passes

and after each of them: send `data_to_send(now, …)`, close the stream if `closing`, hand out `take_settled()`,
`take_accepted()` and `take_progress()`, connect at `connect_at` if there is no stream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from wiretask_client.core.backoff import LONGEST_SECONDS, Backoff
from wiretask_client.core.ledger import Ledger
from wiretask_client.core.requests import DONE, PingRequest, ReachRequest, Request, Sequenced, SubmitRequest
from wiretask_client.core.session import Identity, Session
from wiretask_client.errors import ClientError, Unreachable, Untrusted, refusal
from wiretask_protocol.errors import WireError
from wiretask_protocol.messages import (
    Accepted,
    AnyMessage,
    Error,
    ErrorScope,
    Hello,
    HelloKind,
    Progress,
    Result,
    Retry,
    Status,
)

_NONCE_BITS = 64

#: A scheduler whose messages are not in the protocol may have had a bad moment; one that does it again has a bug.
_MOST_FAULTS = 3


class Core:
    """A client. `timeout_seconds` bounds each time without a scheduler while somebody waits; None is no bound."""

    def __init__(
        self, address: str, timeout_seconds: float | None, random_bits: Callable[[int], int], identity: Identity
    ) -> None:
        """`random_bits(n)` gives n random bits, of a source fit for secrets."""
        self.address = address
        self.timeout_seconds = timeout_seconds
        #: When to connect, by the clock of `now`; None while there is a stream, or nobody waits.
        self.connect_at: float | None = None
        self._ledger = Ledger()
        self._session: Session | None = None
        self._backoff = Backoff(random_bits)
        self._random_bits = random_bits
        self._identity = identity
        self._reaches: list[ReachRequest] = []
        self._pings: dict[int, PingRequest] = {}
        self._progress: list[tuple[SubmitRequest, Progress]] = []
        #: Not connected earlier than this.
        self._rest_until = 0.0
        #: Since when somebody waits for a scheduler in vain.
        self._missing_since: float | None = None
        #: The same while there is a connection that has done nothing for anybody yet.
        self._trial_since: float | None = None
        self._why = "no answer"
        self._faults = 0
        self._dedup_window_seconds: float | None = None

    # What the shell asks

    @property
    def reached(self) -> bool:
        """Whether a scheduler serves us now."""
        return self._session is not None and self._session.accepted

    @property
    def closing(self) -> bool:
        """Whether the stream is to be closed once everything is sent."""
        return self._session is not None and self._session.closing

    @property
    def busy(self) -> bool:
        """Whether anybody waits for anything."""
        return bool(self._reaches or self._pings or self._ledger.busy)

    def unaccepted_submissions(self) -> list[SubmitRequest]:
        """Submissions that the scheduler has not accepted yet."""
        return list(self._ledger.unaccepted_submissions())

    def take_settled(self) -> list[Request]:
        """Requests that have been answered. Whoever takes them clears their owners."""
        settled, self._ledger.settled = self._ledger.settled, []
        return settled

    def take_accepted(self) -> list[SubmitRequest]:
        """Watched submissions that have been accepted."""
        accepted, self._ledger.accepted = self._ledger.accepted, []
        return accepted

    def take_progress(self) -> list[tuple[SubmitRequest, Progress]]:
        """What running tasks have said."""
        progress, self._progress = self._progress, []
        return progress

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        times = []
        if self._session is not None and not self._session.closing:
            times.append(self._session.deadline())
        if self._missing_since is not None and self.timeout_seconds is not None:
            times.append(self._missing_since + self.timeout_seconds)
        return min(times, default=None)

    def data_to_send(self, now: float, most_octets: int) -> bytes:
        """What is to be sent now: about `most_octets` of requests at most; ask again when it is on its way."""
        session = self._session
        if session is None:
            return b""
        out = session.take_out()
        if session.accepted:
            self._ledger.frames(out, now, most_octets)
        if out:
            session.sent(now)
        return b"".join(out)

    # What happens

    def add(self, request: Request, now: float) -> None:
        """Somebody waits for something."""
        if isinstance(request, Sequenced):
            self._ledger.add(request)
        elif isinstance(request, ReachRequest):
            self._reaches.append(request)
            if self.reached:
                self._reach()
        elif isinstance(request, PingRequest):
            self._ping(self._random_bits(_NONCE_BITS), request, now)
        if not self.reached:
            self._miss(now)

    def add_many(self, requests: Sequence[SubmitRequest], now: float) -> None:
        """Somebody wants new tasks."""
        self._ledger.add_many(requests)
        if not self.reached:
            self._miss(now)

    def abandon(self, request: SubmitRequest) -> None:
        """Nobody waits for it any more."""
        self._ledger.abandon(request)

    def connected(self, now: float, certificate: bytes = b"") -> None:
        """There is a stream to the scheduler; `certificate` stands for the one that it has shown in TLS."""
        self.connect_at = None
        self._session = Session(now, self._random_bits, self._identity, certificate)

    def receive(self, octets: bytes, now: float) -> None:
        """Something has come."""
        session = self._session
        if session is None:
            return
        try:
            for message in session.receive(octets, now):
                if type(message) is Result:
                    self._ledger.on_result(message)
                else:
                    self._on_message(session, message, now)
        except WireError as error:
            session.fault(error)

    def disconnected(self, now: float, why: str = "the connection was lost") -> None:
        """The stream has ended."""
        session, self._session = self._session, None
        if session is None:
            return
        self._ledger.interrupted()
        wait = self._backoff.next_seconds()
        if session.reconnect_after_seconds is not None:
            wait = max(wait, min(session.reconnect_after_seconds, 2 * LONGEST_SECONDS))
        self._rest_until = now + wait
        verdict = session.verdict
        self._why = verdict.text if verdict is not None else why
        self._faults += session.faulty
        if verdict is not None and self._is_final(session, verdict):
            self.fail_all(refusal(self._foreign(session, verdict) if session.faulty else verdict))
        self._miss(now)

    def unreachable(self, now: float, why: str) -> None:
        """There could be no stream."""
        self._why = why
        self._rest_until = now + self._backoff.next_seconds()
        self._miss(now)

    def distrust(self, why: str) -> None:
        """There can be no TLS with what answers, or it ended for good: another try would end the same way."""
        self.fail_all(Untrusted(f"no TLS with {self.address}: {why}"))

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self._session is not None:
            self._session.tick(now)
        since, timeout = self._missing_since, self.timeout_seconds
        if since is not None and timeout is not None and now >= since + timeout:
            self.fail_all(Unreachable(self._unreachable_text(timeout)))
            self._backoff.reset()
            self._rest_until = now

    def leave(self) -> None:
        """Says goodbye where there is somebody to hear it."""
        if self._session is not None:
            self._session.leave()

    def fail_all(self, error: ClientError) -> None:
        """Answers everything that somebody waits for with this error."""
        self._ledger.fail_all(error)
        for request in (*self._reaches, *self._pings.values()):
            self._ledger.settle(request, error)
        self._reaches.clear()
        self._pings.clear()
        self._missing_since = self.connect_at = None

    # What it means

    def _on_message(self, session: Session, message: AnyMessage, now: float) -> None:
        match message:
            case Accepted():
                self._ledger.on_accepted(message.seq)
            case Status():
                self._ledger.on_status(message)
            case Progress():
                self._progress += [(request, message) for request in self._ledger.on_progress(message)]
            case Error():
                # One that ends the connection is no request's: it is the session's verdict.
                if message.scope != ErrorScope.CONNECTION:
                    self._ledger.on_error(message)
            case Hello(kind=HelloKind.ACCEPT):
                self._on_accept(session, now)
            case Hello():
                self._on_pong(message, now)
        if not isinstance(message, Hello | Error):
            self._prove()

    def _on_accept(self, session: Session, now: float) -> None:
        ledger = self._ledger
        ledger.window, ledger.frame_limit = session.window, session.frame_limit
        window = session.dedup_window_seconds
        # The ids that are repeated now were promised the window that held when they were sent.
        ledger.forget_older(now - min(window, self._dedup_window_seconds or window))
        self._dedup_window_seconds = window
        self._reach()
        # A connection that is lost again before it has answered anything has not ended the wait.
        self._trial_since = self._missing_since if self.busy else None
        self._missing_since = None
        for nonce, request in self._pings.items():
            request.sent = now
            session.ping(nonce)

    def _on_pong(self, message: Hello, now: float) -> None:
        request = self._pings.pop(message.nonce, None)
        if request is not None:
            self._ledger.settle(request, now - request.sent)
            self._prove()

    def _prove(self) -> None:
        """The connection is of use: what comes after it begins anew."""
        self._faults = 0
        self._trial_since = None
        self._backoff.reset()

    def _reach(self) -> None:
        for request in self._reaches:
            self._ledger.settle(request, DONE)
        self._reaches.clear()

    def _ping(self, nonce: int, request: PingRequest, now: float) -> None:
        self._pings[nonce] = request
        if self._session is not None and self._session.accepted:
            request.sent = now
            self._session.ping(nonce)

    def _miss(self, now: float) -> None:
        """There is no scheduler: see to it that there will be, if anybody waits for one."""
        if not self.busy:
            self._missing_since = self._trial_since = self.connect_at = None
            return
        if self._missing_since is None:
            self._missing_since = now if self._trial_since is None else self._trial_since
        if self._session is None:
            self.connect_at = max(now, self._rest_until)

    def _is_final(self, session: Session, verdict: Error) -> bool:
        """Whether the same would come of the next connection."""
        if session.faulty:
            return self._faults >= _MOST_FAULTS or self._dedup_window_seconds is None
        return verdict.retry == Retry.NEVER

    def _foreign(self, session: Session, verdict: Error) -> Error:
        if session.speaks_tls:
            text = f"what answers at {self.address} speaks TLS; connect with TLS"
        else:
            text = f"what answers at {self.address} does not speak the Wiretask protocol: {verdict.text}"
        return msgspec.structs.replace(verdict, text=text)

    def _unreachable_text(self, timeout: float) -> str:
        return (
            f"no scheduler answers at {self.address} ({self._why}; tried for {timeout:g} s); "
            "start one there, or name another address"
        )
