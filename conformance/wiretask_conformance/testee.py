"""The program under test: any command that answers JSON lines on its standard output.

A testee that dies, hangs or talks nonsense costs one request: it is started again for the next. What went wrong is said
in words, and never blamed on its codec. Its standard error is its own; the end of it is shown where it died.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

CONTRACT = 1
#: What an adapter may lack: cases that need one of these are not applicable to it.
FEATURES = frozenset(
    (
        "auth",
        "cancel",
        "crash",
        "durable",
        "gather",
        "options",
        "prefetch",
        "progress",
        "resume",
        "retract",
        "schedule",
        "tls",
    )
)
#: A codec answers in microseconds, a part starts in a second or two; a testee that takes this long hangs.
ANSWER_SECONDS = 5.0
START_SECONDS = 30.0
#: Longest line that is read from a testee: an answer has at most a few times the octets of the largest frame.
LINE_OCTETS = 4 << 20
#: Requests that may be unanswered at a time, where the testee says nothing: one after the other.
MOST_UNANSWERED = 64
#: A testee that hangs, dies or talks nonsense this often is not started again.
MOST_FAILURES = 25
#: Lines that are read ahead of being looked at: who floods its output waits.
LINES_AHEAD = 4096
#: How much is shown of what a testee that died has said on its standard error.
TAIL_OCTETS, TAIL_LINES = 2000, 3
#: A process whose output has ended has ended, or will in this time.
EXIT_SECONDS = 1.0
#: What an answer to start may say, and what holds where it does not.
_GREETED: dict[str, Any] = {"implementation": None, "pipeline": 1, "lacks": []}

Request = dict[str, Any]


class ContractError(Exception):
    """The testee broke the contract of the adapter; the text says how."""


class NoProgramError(ContractError):
    """The command cannot be started at all."""


class Hung(ContractError):
    """It has not answered in time."""


class Died(ContractError):
    """It has ended instead of answering."""


class Answered(NamedTuple):
    """A request and what became of it: an answer, or how the testee broke its contract."""

    request: Request
    answer: dict[str, Any] | None
    error: ContractError | None


class Testee:
    """One command, started when it is asked something."""

    def __init__(self, command: Sequence[str], *, scale: float = 1.0) -> None:
        self.command = list(command)
        self.scale = scale
        #: What it is greeted with whenever it is started, and its answer.
        self.greeting: Request | None = None
        self.greeted: dict[str, Any] = {}
        self.starts = 0
        self.failures = 0
        self._process: subprocess.Popen[bytes] | None = None
        #: It is not started any more; asked for and changed by different threads.
        self._over = False
        self._starting = threading.Lock()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed in `close`
        #: Where that of the process that runs now begins: it is not blamed for what a former one has said.
        self._said_before = 0
        self._lines: queue.Queue[bytes | None] = queue.Queue(LINES_AHEAD)
        self._seq = 0

    def greet(self, role: str, spec: str, versions: Sequence[int]) -> dict[str, Any]:
        """Starts it; it is greeted in the same way after each restart. Raises ContractError."""
        self.greeting = {"op": "start", "contract": CONTRACT, "role": role, "spec": spec, "versions": list(versions)}
        try:
            self._running()
        except BaseException:
            self.stop()
            raise
        return self.greeted

    def ask(self, op: str, *, seconds: float = ANSWER_SECONDS, **arguments: Any) -> dict[str, Any]:
        """One request and its answer. Raises ContractError, after which the next request starts it anew."""
        (answered,) = self.ask_many([{"op": op, **arguments}], seconds=seconds)
        if answered.error is not None:
            raise answered.error
        assert answered.answer is not None
        return answered.answer

    def ask_many(self, requests: Iterable[Request], *, seconds: float = ANSWER_SECONDS) -> Iterator[Answered]:
        """Many requests, some of them ahead of their answers; each one has an answer or an error of its own."""
        waiting: deque[Request] = deque(requests)
        sent: deque[tuple[int, Request]] = deque()
        deaf: ContractError | None = None
        while waiting or sent:
            try:
                self._running()
                if deaf is None:
                    deaf = self._send_ahead(waiting, sent, seconds)
                if deaf is not None and not sent:
                    raise deaf
                answer = self._receive(sent[0][0], seconds)
            except ContractError as error:
                self.fail()
                deaf = None
                blamed = sent.popleft()[1] if sent else waiting.popleft()
                # The others have not been answered for a reason that is not theirs: they are asked again.
                waiting.extendleft(request for _, request in reversed(sent))
                sent.clear()
                yield Answered(blamed, None, type(error)("%s: %s" % (_named(blamed), error)))
            else:
                yield Answered(sent.popleft()[1], answer, None)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            if self.failures >= MOST_FAILURES:
                raise ContractError("it has failed %d times and is not started again" % self.failures)
            self.starts += 1
            self._start()
            if self.greeting is not None:
                self.greeted = self._receive(self._send(self.greeting, START_SECONDS), START_SECONDS)
                _check_greeted(self.greeted)
        assert self._process is not None
        return self._process

    def _start(self) -> None:
        self._said_before = self._errors.seek(0, os.SEEK_END)
        try:
            with self._starting:
                if self._over:
                    raise ContractError("it is over")
                self._process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    start_new_session=True,
                )
        except OSError as error:
            what = (self.command[0] or "''", error.strerror, _remedy(self.command[0], error))
            raise NoProgramError("%s cannot be started: %s; %s" % what) from None
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._lines = queue.Queue(LINES_AHEAD)
        threading.Thread(target=_read, args=(self._process, self._lines), daemon=True).start()

    def _send_ahead(
        self, waiting: deque[Request], sent: deque[tuple[int, Request]], seconds: float
    ) -> ContractError | None:
        """Sends as many as may be unanswered.

        Returns why it takes no more; who is to blame for that is seen when the answers to the others have been read.
        """
        most = min(MOST_UNANSWERED, self.greeted.get("pipeline", 1))
        try:
            while waiting and len(sent) < most:
                sent.append((self._send(waiting[0], seconds), waiting.popleft()))
        except ContractError as error:
            return error
        return None

    def _send(self, request: Request, seconds: float) -> int:
        assert self._process is not None
        assert self._process.stdin is not None
        self._seq += 1
        line = json.dumps({"seq": self._seq, **request}) + "\n"
        try:
            if not _written(self._process.stdin.fileno(), line.encode(), seconds * self.scale):
                raise Hung("it has read no request for %g seconds" % (seconds * self.scale))
        except OSError:
            raise Died("%s; it must answer until it gets stop%s" % (self._ending(), self.tail())) from None
        return self._seq

    def _receive(self, seq: int, seconds: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=seconds * self.scale)
        except queue.Empty:
            waited = seconds * self.scale
            raise Hung("no answer for %g seconds; flush standard output after each line" % waited) from None
        if line is None:
            raise Died("%s without an answer%s" % (self._ending(), self.tail()))
        if len(line) >= LINE_OCTETS:
            raise ContractError("a line of its answer is longer than %d octets" % LINE_OCTETS)
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise ContractError("its answer is no JSON: %r; log to standard error" % line[:80]) from None
        if not isinstance(answer, dict) or answer.get("seq") != seq:
            raise ContractError("its answer is not to seq %d: %r; answer in order" % (seq, line[:80]))
        return answer

    def _ending(self) -> str:
        """How it has ended."""
        assert self._process is not None
        try:
            code = self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return "it has closed its output"
        if code >= 0:
            return "it ended with the exit code %d" % code
        try:
            return "it was ended by %s" % signal.Signals(-code).name
        except ValueError:
            return "it was ended by the signal %d" % -code

    def tail(self) -> str:
        """The end of what it has said on its standard error, to be put after a text."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(self._said_before, size - TAIL_OCTETS))
        text = self._errors.read().decode("utf-8", "replace").strip()
        last = " | ".join(line.strip()[:200] for line in text.splitlines()[-TAIL_LINES:])
        return "; its standard error ends with: %s" % last if text else ""

    def fail(self) -> None:
        """It has broken the contract: it is ended, and started anew for the next request, but not for ever."""
        self.failures += self._process is not None
        self.stop()

    def stop(self) -> None:
        """Ends it for sure, and everything that it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin is not None
        process.stdin.close()

    def abandon(self) -> None:
        """Ends it for good, whatever another thread is asking it or about to."""
        with self._starting:
            self._over = True
        self.stop()

    def close(self) -> None:
        """Tells it to stop, and sees to it that it does."""
        try:
            if self._process is not None:
                with contextlib.suppress(ContractError):
                    self._receive(self._send({"op": "stop"}, ANSWER_SECONDS), ANSWER_SECONDS)
        finally:
            self.stop()
            self._errors.close()


def _check_greeted(answer: dict[str, Any]) -> None:
    """Raises ContractError for an answer to start that is not of the form of the contract."""
    implementation, pipeline, lacks = (answer.get(key, other) for key, other in _GREETED.items())
    if not isinstance(implementation, dict) or not isinstance(implementation.get("name"), str):
        said = json.dumps(answer, ensure_ascii=False)[:200]
        raise ContractError('start is answered with {"implementation": {"name": …}}, not with %s' % said)
    if not isinstance(pipeline, int) or pipeline < 1:
        raise ContractError("pipeline is how many requests may be unanswered, 1 or more, not %r" % (pipeline,))
    if not isinstance(lacks, list) or not all(isinstance(feature, str) for feature in lacks):
        raise ContractError("lacks is a list of features, not %r" % (lacks,))
    unknown = sorted(set(lacks) - FEATURES)
    if unknown:
        raise ContractError("lacks names %s; the features are %s" % (", ".join(unknown), ", ".join(sorted(FEATURES))))


def _remedy(program: str, error: OSError) -> str:
    """What helps where a program cannot be started."""
    if program and Path(program).is_dir():
        return "it is a folder: name a program in it"
    if Path(program).is_file():
        if os.sep not in program:
            return "name it with its folder: ./%s" % program
        if error.errno == errno.EACCES:
            return "make it executable (chmod +x), or name its interpreter before it (python3 %s)" % program
        if error.errno == errno.ENOEXEC:
            return "begin it with #! and its interpreter, or name that before it (python3 %s)" % program
        if error.errno == errno.ENOENT:
            return "the interpreter that it names after #! is not there"
    return "name a program, with its folder (./my-adapter)"


def _named(request: Request) -> str:
    """A request in words."""
    about = request.get("message") or request.get("struct")
    return "%s %s" % (request["op"], about) if about else str(request["op"])


def _written(descriptor: int, octets: bytes, seconds: float) -> bool:
    """Writes to a pipe that does not block; False where there was no room in time. Raises OSError."""
    deadline = time.monotonic() + seconds
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    while octets:
        try:
            octets = octets[os.write(descriptor, octets) :]
        except BlockingIOError:
            if not room.poll(max(0, deadline - time.monotonic()) * 1000):
                return False
    return True


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    """To the end, which only this thread waits for: something that the testee has left behind may hold it open."""
    assert process.stdout is not None
    with process.stdout:
        while line := process.stdout.readline(LINE_OCTETS):
            lines.put(line)
    lines.put(None)
