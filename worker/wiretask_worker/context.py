"""What a running handler can ask and say: `Context`, as an annotated parameter or from `current()`.

Knows its assignment, and hands progress to whoever runs it; nothing of connections, executors or time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar

from wiretask_protocol.messages import Envelope, Gathered
from wiretask_worker.errors import Cancelled

#: Takes (current, total, body, text); called in the thread or process of the handler.
ProgressSink = Callable[[int, int, bytes, str | None], None]

_U64 = 1 << 64


class Context:
    """The task that is running, for its handler."""

    __slots__ = ("_cancelled", "_envelope", "_headers", "_progress", "attempt", "gathered", "task_id_octets")

    def __init__(
        self,
        task_id: bytes,
        attempt: int,
        envelope: Envelope,
        progress: ProgressSink,
        gathered: Gathered | None = None,
    ) -> None:
        #: The id of the task, 16 octets.
        self.task_id_octets = task_id
        #: Which attempt this is, from 1.
        self.attempt = attempt
        #: The results of its group, where it is a callback.
        self.gathered = gathered
        self._envelope = envelope
        self._progress = progress
        self._cancelled = False
        self._headers: Mapping[str, str] | None = None

    @property
    def task_id(self) -> str:
        """The id of the task, as the client prints it."""
        return id_text(self.task_id_octets)

    @property
    def type(self) -> str:
        """The type of the task: the name of its handler."""
        return self._envelope.type

    @property
    def queue(self) -> str:
        """The queue that the task came from."""
        return self._envelope.queue

    @property
    def headers(self) -> Mapping[str, str]:
        """The words that travel with the task."""
        if self._headers is None:
            self._headers = {header.name: header.text for header in self._envelope.headers or ()}
        return self._headers

    @property
    def trace_context(self) -> str | None:
        """The W3C traceparent of the submitter."""
        return self._envelope.trace_context

    @property
    def trace_state(self) -> str | None:
        """The W3C tracestate of the submitter."""
        return self._envelope.trace_state

    @property
    def cancelled(self) -> bool:
        """Whether the handler is asked to stop: it was cancelled, its time is over, or another worker has it now."""
        return self._cancelled

    def raise_if_cancelled(self) -> None:
        """Raises Cancelled if the handler is asked to stop. Call it where stopping is safe."""
        if self.cancelled:
            raise Cancelled("cancelled")

    def progress(self, current: int, total: int = 0, body: bytes = b"", text: str | None = None) -> None:
        """Says how far the task is: `current` of `total` (0 is not known), with a partial result or a line of log.

        Cheap and never waits: of many reports in a short time only the latest goes out (all of those with a body, up
        to a bound).
        """
        if not (0 <= current < _U64 and 0 <= total < _U64):
            raise ValueError(f"progress({current}, {total}): give whole numbers from 0 to 2**64 - 1")
        self._progress(int(current), int(total), bytes(body), text)

    def ask_to_stop(self) -> None:
        """For executors: from now on `cancelled` is true."""
        self._cancelled = True


def id_text(task_id: bytes) -> str:
    """A task id as people see it, a UUID; without `uuid`, which takes longer to import than many tasks to run."""
    digits = task_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_CURRENT: ContextVar[Context] = ContextVar("wiretask_context")


def current() -> Context:
    """The Context of the handler that is running here. Raises RuntimeError outside of one."""
    try:
        return _CURRENT.get()
    except LookupError:
        raise RuntimeError("no task is running here: call current() inside a handler") from None


#: For executors: enters and leaves a Context.
enter = _CURRENT.set
leave = _CURRENT.reset
