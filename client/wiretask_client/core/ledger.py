"""The ledger: every request that has no answer yet, and where it stands.

    queue        to be sent, in order
    unaccepted   sent on this connection, by seq, until Accepted covers it
    asked        accepted Awaits and Queries, by seq, until they are answered
    open         tasks whose Result is awaited, by task id

It knows the messages of a client and nothing of connections or clocks. Each request leaves through `settle`, once, and
waits in `settled` until the shell takes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from wiretask_client.core.requests import (
    DONE,
    Answer,
    CancelRequest,
    QueryRequest,
    Request,
    ScheduleRequest,
    Sequenced,
    SubmitRequest,
)
from wiretask_client.errors import ClientError, OutcomeUnknown, Refused, cannot_send, refusal
from wiretask_protocol.codec import encode
from wiretask_protocol.errors import ErrorCode, WireError, error_message
from wiretask_protocol.limits import FRAME_LIMIT, IN_FLIGHT, RELAY_HEADROOM
from wiretask_protocol.messages import Error, Progress, Result, Status, Submit


class Ledger:
    """What a client waits for."""

    def __init__(self) -> None:
        #: Answered requests that the shell has not taken yet.
        self.settled: list[Request] = []
        #: Watched submissions that were accepted since the shell looked last.
        self.accepted: list[SubmitRequest] = []
        #: Sequenced messages that may be unaccepted at a time, as the accept says.
        self.window = IN_FLIGHT
        #: Longest payload of a frame, as both sides agreed.
        self.frame_limit = FRAME_LIMIT
        self._queue: deque[Sequenced] = deque()
        self._unaccepted: dict[int, Sequenced] = {}
        self._asked: dict[int, Sequenced] = {}
        self._open: dict[bytes, SubmitRequest] = {}
        #: Further requests for tasks that are open already: they share the answer.
        self._shared: dict[bytes, list[SubmitRequest]] = {}
        self._seq = 0
        self._accepted_seq = 0

    @property
    def busy(self) -> bool:
        """Whether anything has no answer yet."""
        return bool(self._open or self._queue or self._unaccepted or self._asked)

    def unaccepted_submissions(self) -> Iterator[SubmitRequest]:
        """Submissions that the scheduler has not accepted yet."""
        for request in (*self._unaccepted.values(), *self._queue):
            if isinstance(request, SubmitRequest) and not request.accepted and request.answer is None:
                yield request

    def add(self, request: Sequenced) -> None:
        """Takes a request; `frames` sends it."""
        if isinstance(request, SubmitRequest) and request.wants_result:
            task_id = request.task_id
            if task_id in self._open:
                self._shared.setdefault(task_id, []).append(request)
                if request.accepted:
                    return
            else:
                self._open[task_id] = request
        self._queue.append(request)

    def frames(self, out: list[bytes], now: float, most_octets: int) -> None:
        """Appends what may be sent now: within the window, and until `most_octets` are reached."""
        octets = 0
        queue = self._queue
        while queue and octets < most_octets and self._seq - self._accepted_seq < self.window:
            request = queue.popleft()
            if request.answer is not None:
                continue
            if type(request) is SubmitRequest and len(request.envelope) > self.frame_limit - RELAY_HEADROOM:
                self._drop(request, self._too_large(request))
                continue
            try:
                frame = encode(request.message(self._seq + 1))
            except WireError as error:
                self._drop(request, cannot_send(error))
                continue
            if type(request) is SubmitRequest and request.first_sent is None:
                request.first_sent = now
            self._seq = request.seq = self._seq + 1
            self._unaccepted[self._seq] = request
            octets += len(frame)
            out.append(frame)

    def on_accepted(self, seq: int) -> None:
        """All up to `seq` are durable, or were refused. Raises WireError for a seq that was never sent."""
        if seq > self._seq:
            raise WireError(ErrorCode.BAD_SEQUENCE, "seq", None, command=8)
        for each in range(self._accepted_seq + 1, seq + 1):
            request = self._unaccepted.pop(each, None)
            if request is None or request.answer is not None:
                continue
            if type(request) is SubmitRequest and not request.accepted:
                request.accept()
                if request.watched:
                    self.accepted.append(request)
                if not request.wants_result:
                    self.settle(request, DONE)
            elif type(request) is CancelRequest or type(request) is ScheduleRequest:
                self.settle(request, DONE)
            else:
                self._asked[each] = request
        self._accepted_seq = max(self._accepted_seq, seq)

    def on_result(self, message: Result) -> None:
        """A task has ended. One that nobody waits for is let go: it was abandoned, or came twice."""
        request = self._open.pop(message.task_id, None)
        if request is None:
            return
        if self._asked:
            self._asked.pop(request.seq, None)
        if not request.accepted:
            request.accept()
        request.answer = message
        self.settled.append(request)
        if self._shared:
            for other in self._shared.pop(message.task_id, ()):
                self.settle(other, message)

    def on_status(self, message: Status) -> None:
        """The answer to a Query."""
        request = self._asked.pop(message.query, None) or self._unaccepted.pop(message.query, None)
        if type(request) is QueryRequest:
            self.settle(request, message)

    def on_progress(self, message: Progress) -> list[SubmitRequest]:
        """Who waits for the task that has progressed."""
        request = self._open.get(message.task_id)
        return [] if request is None else [request, *self._shared.get(message.task_id, ())]

    def on_error(self, message: Error) -> None:
        """Refuses the request that an Error names, by its seq or else by its task."""
        request: Sequenced | None = None
        if message.seq:
            request = self._unaccepted.pop(message.seq, None) or self._asked.pop(message.seq, None)
        if request is None and message.task_id is not None:
            request = self._open.get(message.task_id)
        if request is None:
            return
        existing = message.existing_id
        if message.code == ErrorCode.UNIQUE_CONFLICT and existing is not None and isinstance(request, SubmitRequest):
            self._redirect(request, existing)
        else:
            self._drop(request, refusal(message))

    def _redirect(self, request: SubmitRequest, existing: bytes) -> None:
        """A task with the same unique key is there already: the request, and those that share it, ask for that one."""
        sharing = [request]
        if self._open.get(request.task_id) is request:
            del self._open[request.task_id]
            sharing += self._shared.pop(request.task_id, [])
        for each in sharing:
            each.task_id = existing
            each.existed = True
            each.accept()
            if each.watched:
                self.accepted.append(each)
            if each.wants_result:
                self.add(each)
            else:
                self.settle(each, DONE)

    def interrupted(self) -> None:
        """The connection is lost: what has no answer is to be asked again, in the same order, and seqs begin anew."""
        again = [*self._unaccepted.values(), *self._asked.values()]
        awaited = [request for request in self._open.values() if request.accepted]
        self._queue = deque(
            request
            for part in (filter(_not_awaiting, again), awaited, filter(_not_awaiting, self._queue))
            for request in part
            if request.answer is None
        )
        self._unaccepted.clear()
        self._asked.clear()
        self._seq = self._accepted_seq = 0

    def forget_older(self, than: float) -> None:
        """Reports OUTCOME_UNKNOWN for submissions first sent before `than` and never accepted (R-SUB-005)."""
        for request in [*self.unaccepted_submissions()]:
            if request.first_sent is not None and request.first_sent < than:
                error = error_message(ErrorCode.OUTCOME_UNKNOWN, command=Submit.COMMAND, task_id=request.task_id)
                self._drop(request, OutcomeUnknown(error))

    def abandon(self, request: SubmitRequest) -> None:
        """Nobody waits any more: a submission that was never sent is not sent, a Result is let go."""
        if request.answer is not None:
            return
        request.answer = DONE
        if self._open.get(request.task_id) is not request:
            return
        del self._open[request.task_id]
        heirs = self._shared.pop(request.task_id, [])
        if heirs:
            # They waited with it; now they ask in their own name.
            self._open[request.task_id] = heirs[0]
            self._shared[request.task_id] = heirs[1:]
            self._queue.append(heirs[0])

    def fail_all(self, error: ClientError) -> None:
        """Answers everything with this error."""
        waiting = [*self._unaccepted.values(), *self._asked.values(), *self._queue, *self._open.values()]
        waiting += [request for shared in self._shared.values() for request in shared]
        for request in waiting:
            self.settle(request, error)
        for table in (self._unaccepted, self._asked, self._queue, self._open, self._shared):
            table.clear()

    def settle(self, request: Request, answer: Answer) -> None:
        """The one way out: sets the answer, once."""
        if request.answer is None:
            request.answer = answer
            self.settled.append(request)

    def _drop(self, request: Sequenced, error: ClientError) -> None:
        """Answers a request, and those that share its task, with an error."""
        if isinstance(request, SubmitRequest) and self._open.get(request.task_id) is request:
            del self._open[request.task_id]
            for other in self._shared.pop(request.task_id, ()):
                self.settle(other, error)
        self.settle(request, error)

    def _too_large(self, request: SubmitRequest) -> Refused:
        most, has = self.frame_limit - RELAY_HEADROOM, len(request.envelope)
        text = f"the task has {has} bytes, the scheduler takes {most}; raise its limit or pass a reference"
        return refusal(error_message(ErrorCode.TASK_TOO_LARGE, command=Submit.COMMAND, text=text))


def _not_awaiting(request: Sequenced) -> bool:
    """Whether it is not an Await: those are found again among the open tasks."""
    return not (isinstance(request, SubmitRequest) and request.accepted)
