"""Our scheduler under test: a process of its own, so that it can be killed, with its tasks in a passing folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from control import OK, Adapter, Answer, CannotDoError, Request

#: Limits of the spec, by the settings that say them, and how many of the spec's units are one of ours.
_SETTINGS = {
    "heartbeat": ("heartbeat_seconds", 1000),
    "handshake_deadline": ("handshake_seconds", 1000),
    "resume_grace": ("resume_grace_seconds", 1000),
    "resume_window": ("resume_window_seconds", 1000),
    "dedup_window": ("retention_seconds", 1000),
    "frame_limit": ("frame_limit", 1),
    "in_flight": ("in_flight", 1),
    "crash_limit": ("crash_limit", 1),
    "loss_limit": ("loss_limit", 1),
}
#: Files of TLS, by the settings that name them.
_TLS = {"certificate": "CERT", "key": "KEY"}


class SchedulerAdapter(Adapter):
    """Has at most one scheduler at a time."""

    name = "wiretask-scheduler"
    #: What a scheduler is started with; its arguments follow.
    command: tuple[str, ...] = (sys.executable, "-m", "wiretask_scheduler")

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._folder: Path | None = None
        self._config: dict[str, str] = {}
        self._settings: dict[str, str] = {}
        self._port = 0

    async def on_listen(self, request: Request) -> Answer:
        """A scheduler with nothing in it."""
        await self.on_end(request)
        self._folder = Path(tempfile.mkdtemp(prefix="wiretask-conformance-"))
        self._config = request["config"]
        self._settings = self._guard(request["tokens"]) if "tokens" in request else {}
        for name, text in request.get("tls", {}).items():
            path = self._folder / name
            path.write_text(text)
            self._settings[f"WIRETASK_SCHEDULER_TLS_{_TLS[name]}"] = str(path)
        self._port = 0
        return await self._start()

    async def on_restart(self, request: Request) -> Answer:
        """Ends it, as a crash or as an operator does, and starts it with what it had."""
        await self._stop(signal.SIGKILL if request["mode"] == "kill" else signal.SIGTERM)
        return await self._start()

    async def on_end(self, _request: Request) -> Answer:
        """Leaves nothing behind."""
        await self._stop(signal.SIGKILL)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        return OK

    async def _start(self) -> Answer:
        assert self._folder is not None
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(*self.command, "--http", "off"),
                *("--listen", f"127.0.0.1:{self._port}", "--store", f"sqlite:{self._folder / 'tasks.db'}"),
                cwd=self._folder,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self._environment()},
            )
        assert self._process.stdout is not None
        ready, _, address = (await self._process.stdout.readline()).decode().strip().partition(" ")
        if ready != "ready":
            raise RuntimeError((self._folder / "log").read_text()[-500:])
        self._port = int(address.rpartition(":")[2])
        return {"ok": {"listening": address}}

    def _environment(self) -> dict[str, str]:
        """The limits, as our settings."""
        made = dict(self._settings)
        for name, value in self._config.items():
            if name not in _SETTINGS:
                raise CannotDoError(f"the limit {name} cannot be set")
            setting, unit = _SETTINGS[name]
            made[f"WIRETASK_SCHEDULER_{setting.upper()}"] = str(int(value) / unit if unit > 1 else int(value))
        return made

    def _guard(self, tokens: list[dict[str, Any]]) -> dict[str, str]:
        """Asks everybody for one of these tokens; a suite that proves wrongly all day is not shut out for it."""
        assert self._folder is not None
        path = self._folder / "tokens.toml"
        path.touch(0o600)
        # What JSON writes of texts and of lists of them is TOML.
        path.write_text(
            "".join(
                f"[{json.dumps(token.pop('key_id'))}]\n"
                + "".join(f"{name} = {json.dumps(value)}\n" for name, value in token.items())
                for token in map(dict, tokens)
            )
        )
        return {"WIRETASK_SCHEDULER_TOKENS": str(path), "WIRETASK_SCHEDULER_FAILURES_PER_ADDRESS": "1000000"}

    async def _stop(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        await process.wait()


if __name__ == "__main__":
    asyncio.run(SchedulerAdapter().run())
