"""The conversation with the scheduler: what each of its messages means, and what must be said after every event.

Joins the line (handshake, signs of life) and the desk (assignments); knows nothing of the shell, nor when it is called.
"""

from __future__ import annotations

from itertools import islice

from wiretask_protocol.errors import ErrorCode, error_message
from wiretask_protocol.limits import RELAY_HEADROOM
from wiretask_protocol.messages import (
    Accepted,
    Auth,
    Cancel,
    CancelMode,
    Credit,
    Error,
    ErrorScope,
    Goodbye,
    GoodbyeReason,
    Hello,
    HelloKind,
    Resume,
    Retract,
    Retry,
    Subscribe,
    Task,
    ToWorker,
    TypeSupport,
)
from wiretask_worker.core.desk import Desk
from wiretask_worker.core.line import Line, Stage
from wiretask_worker.core.settings import Settings


class Session:
    """One worker's side of the conversation, over one connection after the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.line = Line(settings)
        self.desk = Desk(settings)
        #: Since when (monotonic seconds) no scheduler has had our subscription; None while one has.
        self.alone_since: float | None = None
        #: How long to stay away from the scheduler, in seconds, as it said when the connection ended.
        self.stay_away = 0.0
        #: The window and the begun lease that were said last.
        self._credit: tuple[int, int] | None = None
        #: The seq that is still to be accepted; 0 is none.
        self._owed = 0
        #: The ping whose pong says that the subscription has been read; 0 is none.
        self._ready_ping = 0

    def disconnect(self, now: float) -> None:
        """The stream has ended. What runs goes on, what has ended is kept for the next connection."""
        self.line.stage = Stage.OFFLINE
        self._credit = None
        self._owed = 0
        self.desk.results.disconnect(leaving=self.desk.draining)
        self.desk.progress.clear()
        if self.alone_since is None:
            self.alone_since = now

    def receive(self, message: ToWorker, now: float) -> None:
        """One message is here."""
        match message:
            case Accepted(seq=seq):
                if not self.desk.results.accept(seq):
                    self._break(ErrorCode.BAD_SEQUENCE, "the scheduler accepts what was not sent to it")
                self.desk.results.flush(self.desk.turn.sends)
            case Retract(task_id=task_id, lease=lease):
                self.desk.retract(task_id, lease)
            case Cancel():
                self.on_cancel(message, now)
            case Hello():
                self.on_hello(message, now)
            case Resume():
                self.on_resume(message, now)
            case Goodbye():
                self.on_goodbye(message)
            case Error():
                self.on_error(message)
            case Auth():
                self.on_challenge(message)
            case Task():  # pragma: no cover -- receive_many has taken it
                self.desk.arrive(message, now)

    def on_cancel(self, message: Cancel, now: float) -> None:
        """A task is to be stopped. The message is accepted whether there is anything to stop or not."""
        if not self.line.heard(message.seq):
            self._break(ErrorCode.BAD_SEQUENCE, "a Cancel of the scheduler does not have the next seq")
            return
        self._owed = message.seq
        self.desk.cancel(message.task_id, message.lease, _mode(message.mode), now)

    def on_hello(self, message: Hello, now: float) -> None:
        """The accept, or a sign of life."""
        match message.kind:
            case HelloKind.PING:
                self.desk.turn.sends.append(Hello(HelloKind.PONG, message.nonce))
            case HelloKind.PONG if self._ready_ping and message.nonce == self._ready_ping:
                self._ready_ping = 0
                self.desk.turn.ready = True
            case HelloKind.ACCEPT:
                self._on_accept(message, now)

    def on_challenge(self, message: Auth) -> None:
        """The scheduler wants a proof that we know a token."""
        proof = self.line.prove(message)
        if proof is not None:
            self.desk.turn.sends.append(proof)
        else:
            self._give_up(
                ErrorCode.AUTH_REQUIRED,
                "the scheduler wants a token, and this worker has no credentials; start it with some",
            )

    def _on_accept(self, message: Hello, now: float) -> None:
        desk, line = self.desk, self.line
        if not line.trusts(message):
            why = "what answers there has not proved that it knows the token; check the address, and the credentials"
            self._give_up(ErrorCode.AUTH_FAILED, why)
            return
        wrong = line.accept(message)
        if wrong is not None:
            self._break(ErrorCode.VERSION_MISMATCH, wrong)
            return
        desk.turn.grease = line.grease
        desk.report_maximum = line.frame_limit - RELAY_HEADROOM
        desk.lease_maximum = line.lease_maximum
        desk.results.in_flight = line.in_flight
        if line.session is None:
            line.session = message.session
            desk.retain(set(), now)
            self._serve(now)
        else:
            # Until the answer is here our leases belong to the former session (R-RSM-002): a Resume that was cut is
            # sent again with the same token.
            leases = list(islice(desk.leases(), line.lease_maximum))
            desk.turn.sends.append(line.resume(line.session, leases, now))

    def on_resume(self, message: Resume, now: float) -> None:
        """The scheduler says which leases we keep."""
        if self.line.stage is not Stage.RESUMING:
            self._break(ErrorCode.UNEXPECTED_MESSAGE, "the scheduler answers a Resume that was not sent")
            return
        self.line.session = message.session
        before = len(self.desk.held) + len(self.desk.results)
        self.desk.retain(set(message.leases), now)
        kept = len(self.desk.held) + len(self.desk.results)
        if before:
            self.desk.turn.note("info", f"resumed: {kept} of {before} leases kept")
        self._serve(now)

    def _serve(self, now: float) -> None:
        desk, settings = self.desk, self._settings
        self.line.stage = Stage.SERVING
        self.alone_since = None
        desk.results.live = True
        if desk.draining:
            desk.turn.sends.append(Goodbye(GoodbyeReason.DRAIN))
        else:
            types = tuple(TypeSupport(name, known.cancel, known.max_attempts) for name, known in settings.types.items())
            labels, resources = settings.labels or None, settings.resources or None
            desk.turn.sends.append(Subscribe(settings.queues, types, labels, resources))
            self._say_credit()
            ping = self.line.ping()
            self._ready_ping = ping.nonce
            desk.turn.sends.append(ping)
        desk.results.flush(desk.turn.sends)
        self.line.heard_at = now

    def on_goodbye(self, message: Goodbye) -> None:
        """The scheduler leaves: what runs goes on, nothing new begins, and we come back when it says.

        Before the accept there is nothing to stay for: the machine closes the connection.
        """
        self.desk.turn.close = self.line.stage is Stage.OPENING
        self.line.stage = Stage.LEAVING
        self.stay_away = (message.reconnect_after or 0) / 1000
        self.desk.turn.note("info", f"the scheduler says goodbye{_said(message.text)}")

    def on_error(self, message: Error) -> None:
        """The scheduler says what went wrong."""
        name = _name(message.code)
        turn = self.desk.turn
        early = self.line.stage is Stage.OPENING and message.scope == ErrorScope.CONNECTION
        refused = message.retry == Retry.NEVER and (early or message.command == Subscribe.COMMAND)
        if refused:
            turn.refused = f"the scheduler refuses this worker: {name}: {message.text}"
            turn.close = True
        elif message.scope == ErrorScope.CONNECTION:
            self.stay_away = (message.retry_after or 0) / 1000
            turn.note("warning", f"the scheduler ends the connection: {name}: {message.text}")
            turn.close = True
        else:
            turn.note("info", f"the scheduler answers {name}: {message.text}")

    def settle(self, now: float) -> None:
        """After every event: begin what can begin, accept and report what is owed."""
        line, desk = self.line, self.desk
        sends = desk.turn.sends
        if line.serving and not desk.turn.close:
            desk.begin(now)
            if self._credit != (desk.window, desk.begun) and not desk.draining:
                self._say_credit()
        if self._owed and line.live:
            sends.append(Accepted(self._owed))
            self._owed = 0
        if sends:
            line.sent_at = now

    def _say_credit(self) -> None:
        window, begun = self.desk.window, self.desk.begun
        self._credit = (window, begun)
        self.desk.turn.sends.append(Credit(window, self._settings.window_octets, begun, self._settings.concurrency))

    def _break(self, code: ErrorCode, why: str) -> None:
        turn = self.desk.turn
        turn.note("error", f"{why}; connecting anew")
        turn.sends.append(error_message(code, text=why))
        turn.close = True

    def _give_up(self, code: ErrorCode, why: str) -> None:
        """With this scheduler it will never come to anything."""
        turn = self.desk.turn
        turn.sends.append(error_message(code, text=why))
        turn.refused = why
        turn.close = True


def _said(text: str | None) -> str:
    return f": {text}" if text else ""


def _name(code: int) -> str:
    try:
        return ErrorCode(code).name
    except ValueError:  # an open enum: of a later version
        return f"error {code}"


def _mode(mode: int) -> CancelMode:
    try:
        return CancelMode(mode)
    except ValueError:  # an open enum: of a later version
        return CancelMode.COOPERATIVE
