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
from collections.abc import Iterable, Iterator

from wiretask_client.core.framing import framed
from wiretask_client.core.links import Links
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
from wiretask_client.errors import ClientError, OutcomeUnknown, refusal
from wiretask_protocol.errors import ErrorCode, WireError, error_message
from wiretask_protocol.limits import FRAME_LIMIT, IN_FLIGHT
from wiretask_protocol.messages import CancelMode, Error, Progress, Result, Status, Submit, SubmitFlags

_WANT_RESULT = int(SubmitFlags.WANT_RESULT)


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
        self._links = Links()
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
        if isinstance(request, SubmitRequest):
            self._links.add(request)
            if request.wants_result and not self._open_for(request) and request.accepted:
                return
        self._queue.append(request)

    def add_many(self, requests: Iterable[SubmitRequest]) -> None:
        """Takes submissions that were never sent; what their options say is looked at where they have any."""
        links, opened = self._links, self._open
        for request in requests:
            if request.tags:
                links.add(request)
            if request.flags & _WANT_RESULT and opened.setdefault(request.task_id, request) is not request:
                self._open_for(request)
            self._queue.append(request)

    def _open_for(self, request: SubmitRequest) -> bool:
        """Sees to it that it gets the Result of its task. Whether it is the first that asks for it."""
        first = self._open.setdefault(request.task_id, request)
        if first is not request:
            self._shared.setdefault(request.task_id, []).append(request)
        return first is request

    def frames(self, out: list[bytes], now: float, most_octets: int) -> None:
        """Appends what may be sent now: within the window, and until `most_octets` are reached."""
        octets = 0
        queue = self._queue
        while queue and octets < most_octets and self._seq - self._accepted_seq < self.window:
            request = queue[0]
            answered = request.answer is not None
            if not answered and type(request) is SubmitRequest and request.tags and self._held(request):
                break
            queue.popleft()
            if answered:
                continue
            frame = framed(request, self._seq + 1, self.frame_limit)
            if isinstance(frame, ClientError):
                self._drop(request, frame)
                continue
            if request.first_sent is None:
                request.first_sent = now
            else:
                request.repeated = True
            self._seq = request.seq = self._seq + 1
            self._unaccepted[self._seq] = request
            octets += len(frame)
            out.append(frame)

    def _held(self, request: SubmitRequest) -> bool:
        """Whether it waits until it is known which tasks it names; those behind it may name it, so they wait too."""
        if "after" not in request.tags:
            return False
        if any(self._unaccepted.get(other.seq) is other for other in self._links.awaited(request)):
            return True
        self._links.resolve(request)
        return False

    def on_accepted(self, seq: int) -> None:
        """All up to `seq` are durable, or were refused. Raises WireError for a seq that was never sent."""
        if seq > self._seq:
            raise WireError(ErrorCode.BAD_SEQUENCE, "seq", None, command=8)
        for each in range(self._accepted_seq + 1, seq + 1):
            request = self._unaccepted.pop(each, None)
            if request is None or request.answer is not None:
                if type(request) is SubmitRequest:
                    self._links.forget(request)  # abandoned
            elif type(request) is SubmitRequest and not request.accepted:
                self._accept(request)
                if request.watched:
                    self.accepted.append(request)
                if not request.flags & _WANT_RESULT:
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
            self._accept(request)
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
        elif message.code == ErrorCode.UNKNOWN_SCHEDULE and isinstance(request, ScheduleRequest) and request.repeated:
            # It was removed on the connection that was lost.
            self.settle(request, DONE)
        else:
            self._drop(request, refusal(message))

    def _accept(self, request: SubmitRequest) -> None:
        self._links.forget(request)
        request.accept()

    def _redirect(self, request: SubmitRequest, existing: bytes) -> None:
        """A task with the same unique key is there already: the request, and who awaits it, ask for that one."""
        self._links.move(request, existing)
        moved = [request]
        if self._open.get(request.task_id) is request:
            del self._open[request.task_id]
            sharing = self._shared.pop(request.task_id, [])
            moved += [each for each in sharing if each.accepted]
            for each in sharing:
                if not each.accepted:
                    self._open_for(each)  # the same id, submitted twice: it is answered by itself
        for each in moved:
            self._accept(each)
            if each.answer is not None:
                continue  # abandoned
            each.task_id = existing
            each.existed = True
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
        # Awaits are found again among the open tasks.
        first, last = ([each for each in part if not each.awaits] for part in (again, self._queue))
        self._queue = deque(request for request in (*first, *awaited, *last) if request.answer is None)
        self._links.clear()
        for request in self._queue:
            if isinstance(request, SubmitRequest):
                self._links.add(request)
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
        if request.first_sent is None:
            self._links.forget(request)
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
        self._links.clear()

    def settle(self, request: Request, answer: Answer) -> None:
        """The one way out: sets the answer, once."""
        if request.answer is None:
            request.answer = answer
            self.settled.append(request)

    def _drop(self, request: Sequenced, error: ClientError) -> None:
        """Answers a request, those that share its task, and those that can never run without it, with an error."""
        if not isinstance(request, SubmitRequest):
            self.settle(request, error)
            return
        incomplete: set[bytes] = set()
        callback = self._links.callback(request)
        self._end(request, error)
        while callback is not None:
            incomplete.add(callback.task_id)
            if callback.first_sent is not None:
                self._queue.append(CancelRequest(task_id=callback.task_id, mode=CancelMode.COOPERATIVE))
            dropped, callback = callback, self._links.callback(callback)
            self._end(dropped, error)
        if incomplete:
            self._disband(incomplete, error)

    def _disband(self, callbacks: set[bytes], error: ClientError) -> None:
        """Members were refused: what was not sent of their groups is not sent."""
        for request in reversed(self._queue):  # a callback stands behind its members
            group = request.tags.get("group") if isinstance(request, SubmitRequest) else None
            if group is not None and group.callback in callbacks and isinstance(request, SubmitRequest):
                self._end(request, error)
                callbacks.add(request.task_id)

    def _end(self, request: SubmitRequest, error: ClientError) -> None:
        self._links.forget(request)
        if self._open.get(request.task_id) is request:
            del self._open[request.task_id]
            for other in self._shared.pop(request.task_id, ()):
                self.settle(other, error)
        self.settle(request, error)
