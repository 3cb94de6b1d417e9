"""The worker's end of one child process: its socket, its death, and the verdict when it was us who killed it."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from subprocess import DEVNULL
from typing import cast

from wiretask_worker.core.assignment import Assignment, Finished
from wiretask_worker.executors.pipe import FromChild, Leave, ToChild, Unpacker, Up, pack

_READ_OCTETS = 262144
_MODULE = "wiretask_worker.executors.child"
#: A signal is told from an exit code by this much (02-result.yaml, exit_status).
_SIGNAL_BASE = 256


class ChildProcess(asyncio.SubprocessProtocol):
    """One child. `heard` takes what it says, `died` its exit status and the verdict, exactly once."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        heard: Callable[[ChildProcess, FromChild], None],
        died: Callable[[ChildProcess, int, Finished | None], None],
    ) -> None:
        self._loop = loop
        self._heard = heard
        self._died = died
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._unpacker = Unpacker()
        self._unwritten = bytearray()
        self._transport: asyncio.SubprocessTransport | None = None
        self._verdict: Finished | None = None
        self._launching: asyncio.Task[None] | None = None
        #: What it runs, and what will end that.
        self.assignment: Assignment | None = None
        self.timer: asyncio.TimerHandle | None = None
        #: Whether it has imported the task modules.
        self.up = False
        self.killed = False
        #: Attempts that it has ended.
        self.done = 0
        #: Whether it was told to end, having nothing to run.
        self.retired = False

    def launch(self) -> None:
        """Starts the process; what was said before reaches it when it listens."""
        self._loop.add_reader(self._ours.fileno(), self._read)
        self._launching = self._loop.create_task(self._launch())

    def say(self, said: ToChild) -> None:
        """Sends a message; never waits."""
        waiting = bool(self._unwritten)
        self._unwritten += pack(said)
        if not waiting:
            self._write()
            if self._unwritten:
                self._loop.add_writer(self._ours.fileno(), self._write)

    def kill(self, verdict: Finished | None = None) -> None:
        """Ends the process at once. The verdict is what its attempt has come to."""
        if self.killed:
            return
        self.killed = True
        self._verdict = verdict
        if self._transport is not None:
            self._transport.kill()

    def retire(self) -> None:
        """Lets the process end by itself: it lets go of its resources first."""
        self.retired = True
        self.say(Leave())

    def free(self) -> Assignment | None:
        """Takes the attempt off it."""
        assignment, self.assignment = self.assignment, None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        return assignment

    # -- the process

    async def _launch(self) -> None:
        descriptor = self._theirs.fileno()
        try:
            await self._loop.subprocess_exec(
                lambda: self,
                *(sys.executable, "-m", _MODULE, str(descriptor)),
                stdin=DEVNULL,
                stdout=None,
                stderr=None,
                pass_fds=(descriptor,),
            )
        except OSError as error:
            self._close()
            self._died(self, error.errno or 1, None)
        finally:
            self._theirs.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process runs."""
        self._transport = cast("asyncio.SubprocessTransport", transport)  # uvloop's are not instances of it
        if self.killed:
            self._transport.kill()

    def process_exited(self) -> None:
        """The process has ended; what it has said before counts."""
        assert self._transport is not None
        self._read()
        code = self._transport.get_returncode() or 0
        self._transport.close()
        self._close()
        self._died(self, code if code >= 0 else _SIGNAL_BASE - code, self._verdict)

    def _close(self) -> None:
        for forget in (self._loop.remove_reader, self._loop.remove_writer):
            forget(self._ours.fileno())
        self._ours.close()

    # -- the socket

    def _read(self) -> None:
        while octets := self._receive():
            for said in self._unpacker.from_child(octets):
                if isinstance(said, Up):
                    self.up = True
                self._heard(self, said)

    def _receive(self) -> bytes:
        if self._ours.fileno() < 0:
            return b""
        try:
            octets = self._ours.recv(_READ_OCTETS)
        except BlockingIOError:
            return b""
        except OSError:
            octets = b""
        if not octets:  # its end is near: process_exited says how
            self._loop.remove_reader(self._ours.fileno())
        return octets

    def _write(self) -> None:
        try:
            sent = self._ours.send(self._unwritten)
        except BlockingIOError:
            return
        except OSError:  # its end is near: process_exited says how
            sent = len(self._unwritten)
        del self._unwritten[:sent]
        if not self._unwritten:
            self._loop.remove_writer(self._ours.fileno())
