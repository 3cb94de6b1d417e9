"""A child process: runs one attempt at a time, for the worker at the other end of a socket.

    python -m wiretask_worker.executors.child FD

The main thread runs handlers, as they expect; a second thread reads, so that a request to stop arrives while a handler
runs, and so that the child ends with its worker, however that ended.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from queue import SimpleQueue

from wiretask_protocol.codec import decode_envelope
from wiretask_protocol.messages import Envelope, Gathered, MemberResult
from wiretask_worker import attempts, loading, memory, provided
from wiretask_worker.context import Context
from wiretask_worker.errors import DefinitionError
from wiretask_worker.executors.pipe import Ask, Broken, Call, Done, FromChild, Leave, Setup, Step, Unpacker, Up, pack
from wiretask_worker.handlers import Catalog

_READ_OCTETS = 65536


class Child:
    """The child's end of the socket."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._setup: SimpleQueue[Setup] = SimpleQueue()
        #: None at the end.
        self._calls: SimpleQueue[tuple[Envelope, Context] | None] = SimpleQueue()
        self._context: Context | None = None
        self._writing = threading.Lock()

    def run(self) -> None:
        """Serves until the worker ends this process."""
        threading.Thread(target=self._read, name="wiretask-pipe", daemon=True).start()
        setup = self._setup.get()
        sys.path[:] = setup.path
        try:
            catalog = loading.load(setup.modules)
        except DefinitionError as error:
            self._say(Broken(str(error)))
            return
        try:
            made = provided.start(catalog.provided(is_async=False))
        except DefinitionError as error:
            self._say(Broken(str(error)))
            return
        with made:
            self._say(Up())
            while (call := self._calls.get()) is not None:
                self._run(catalog, *call)

    def _run(self, catalog: Catalog, envelope: Envelope, context: Context) -> None:
        finished = attempts.runner()(catalog[envelope.type], envelope, context)
        self._context = None
        used = memory.resident_bytes()
        self._say(Done(finished.outcome, finished.report, finished.no_retry, finished.retry_after, used))

    def _progress(self, current: int, total: int, body: bytes, text: str | None) -> None:
        self._say(Step(current, total, body, text))

    def _say(self, said: FromChild) -> None:
        try:
            with self._writing:
                self._stream.sendall(pack(said))
        except OSError:  # the worker has gone
            os._exit(0)

    def _read(self) -> None:
        unpacker = Unpacker()
        while octets := self._receive():
            for said in unpacker.to_child(octets):
                match said:
                    case Setup():
                        self._setup.put(said)
                    case Call():
                        self._begin(said)
                    case Leave():
                        self._calls.put(None)
                    case Ask():
                        if self._context is not None:
                            self._context.ask_to_stop()
        if self._context is not None:
            os._exit(0)  # the worker has gone: whatever runs here, nobody would hear of it
        self._calls.put(None)

    def _begin(self, call: Call) -> None:
        envelope = decode_envelope(call.envelope)
        gathered = None
        if call.gathered is not None:
            form, results = call.gathered
            gathered = Gathered(form, tuple(MemberResult(*result) for result in results))
        self._context = context = Context(call.task_id, call.attempt, envelope, self._progress, gathered)
        self._calls.put((envelope, context))

    def _receive(self) -> bytes:
        try:
            return self._stream.recv(_READ_OCTETS)
        except OSError:
            return b""


def _stay(_number: int, _frame: object) -> None:
    """A signal to the whole group (Ctrl-C, a service manager) is for the worker to obey: it drains.

    A handler that does nothing rather than SIG_IGN, because programs that a task starts would inherit that.
    """


def main() -> None:
    """Runs a child on the inherited descriptor that the command line names."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stay)
    stream = socket.socket(fileno=int(sys.argv[1]))
    stream.set_inheritable(False)
    Child(stream).run()


if __name__ == "__main__":
    main()
