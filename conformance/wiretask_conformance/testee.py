"""The program under test: any command that answers JSON lines on its standard output.

A testee that dies, hangs or talks nonsense costs one case: it is started again for the next. What went wrong is said in
words, and never blamed on its codec.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

#: A codec answers in microseconds; a testee that takes this long hangs.
ANSWER_SECONDS = 5.0
#: Longest line that is read from a testee: an answer has at most a few times the octets of the frame.
LINE_OCTETS = 1 << 20


class ContractError(Exception):
    """The testee broke the contract of the adapter; the text says how."""


class Testee:
    """One running testee."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._seq = 0

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """One request and its answer. Raises ContractError, after which the next request starts the testee anew."""
        try:
            return self._ask(op, arguments)
        except ContractError:
            self.stop()
            raise

    def _ask(self, op: str, arguments: dict[str, Any]) -> dict[str, Any]:
        process = self._running()
        self._seq += 1
        request = json.dumps({"op": op, "seq": self._seq, **arguments}) + "\n"
        assert process.stdin is not None
        try:
            process.stdin.write(request.encode())
            process.stdin.flush()
        except OSError:
            raise ContractError("it has ended; it must answer until it gets stop") from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise ContractError(
                "no answer for %g seconds; flush standard output after each line" % ANSWER_SECONDS
            ) from None
        if line is None:
            raise ContractError("it ended without an answer")
        if len(line) >= LINE_OCTETS:
            raise ContractError("a line of its answer is longer than %d octets" % LINE_OCTETS)
        try:
            answer = json.loads(line)
        except ValueError:
            raise ContractError("its answer is no JSON: %r; log to standard error" % line[:80]) from None
        if not isinstance(answer, dict) or answer.get("seq") != self._seq:
            raise ContractError("its answer is not to seq %d: %r; answer in order" % (self._seq, line[:80]))
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            except OSError as error:
                raise ContractError("it cannot be started: %s" % error.strerror) from None
            self._lines = queue.Queue()
            threading.Thread(target=_read, args=(self._process, self._lines), daemon=True).start()
        return self._process

    def stop(self) -> None:
        """Ends it for sure."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    assert process.stdout is not None
    try:
        while True:
            line = process.stdout.readline(LINE_OCTETS)
            lines.put(line or None)
            if not line:
                return
    except (OSError, ValueError):
        lines.put(None)
