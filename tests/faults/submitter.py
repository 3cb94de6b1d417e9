"""A client that can die: it submits tasks, writes down what it says and hears, and goes on where it was after a death.

    python submitter.py HOST:PORT LOG OWNER COUNT

A line of the log is a word and an id: `said` before a Submit leaves, `accepted`, `refused` with the code, `result` with
the outcome and the body, `lost` where the scheduler does not know a task that it has accepted; `met` begins each
connection. It ends when it has every result. It knows the codec and nothing else of ours.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from raw_peer import EndedError, RawPeer, run, submit, task_id  # type: ignore[import-not-found] # it lies beside

from wiretask_protocol import codec
from wiretask_protocol.messages import Accepted, Await, Error, Result, Submit, SubmitFlags

#: Submits that are on their way at a time.
_WINDOW = 300
_REPEAT = int(SubmitFlags.WANT_RESULT | SubmitFlags.REPEAT)
_NAP_SECONDS, _GREETING_SECONDS = 0.05, 2.0


class Log:
    """What has been written down, also before a death."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self.words: dict[str, set[str]] = {}
        # What a death has cut off was not said.
        for line in path.read_text().split("\n")[:-1]:
            word, _, rest = line.partition(" ")
            self.words.setdefault(word, set()).add(rest.split(" ")[0])

    def write(self, word: str, name: str = "", *rest: object) -> None:
        self.words.setdefault(word, set()).add(name)
        self._file.write(" ".join([word, name, *map(str, rest)]).encode() + b"\n")

    def has(self, word: str, name: str) -> bool:
        return name in self.words.get(word, ())


class Submitter:
    """One life of the client."""

    def __init__(self, address: str, log: Log, owner: int, count: int) -> None:
        self.address = address
        self.log = log
        self.ids = {task_id(number, owner).hex(): number for number in range(1, count + 1)}
        self.owner = owner

    @property
    def open(self) -> list[str]:
        """Ids whose tasks have not ended, as far as it knows."""
        return [name for name in self.ids if not (self.log.has("result", name) or self.log.has("refused", name))]

    async def live(self) -> None:
        while self.open:
            try:
                peer = await RawPeer.connect(self.address)
                async with asyncio.timeout(_GREETING_SECONDS):
                    await peer.greet("client")
                self.log.write("met", f"{time.time():.3f}")
                await self._go_on(peer)
            except (OSError, EndedError, AssertionError):
                await asyncio.sleep(_NAP_SECONDS)

    async def _go_on(self, peer: RawPeer) -> None:
        asked: dict[int, Any] = {}
        waiting = list(self.open)
        taken = sent = 0
        while self.open:
            while waiting and sent - taken < _WINDOW:
                sent += 1
                asked[sent] = self._message(sent, waiting.pop(0))
                await peer.send(asked[sent])
            message = await peer.get_any(Accepted, Error, Result)
            if isinstance(message, Accepted):
                for seq in range(taken + 1, message.seq + 1):
                    self._on_accepted(asked[seq])
                taken = message.seq
            elif isinstance(message, Result):
                body = codec.decode_report(message.report).body
                self.log.write("result", message.task_id.hex(), message.outcome, body.decode("latin-1"))
            elif message.seq in asked:
                word = "refused" if isinstance(asked[message.seq], Submit) else "lost"
                self.log.write(word, asked[message.seq].task_id.hex(), message.code)
                asked[message.seq] = None

    def _message(self, seq: int, name: str) -> Any:
        if self.log.has("accepted", name):
            return Await(seq, bytes.fromhex(name))
        flags = _REPEAT if self.log.has("said", name) else 1
        self.log.write("said", name)
        number = self.ids[name]
        return submit(seq, number, b"%d %d" % (self.owner, number), owner=self.owner, flags=flags, task_type="noted")

    def _on_accepted(self, asked: Any) -> None:
        if isinstance(asked, Submit):
            self.log.write("accepted", asked.task_id.hex())


def main() -> None:
    address, log, owner, count = sys.argv[1:]
    run(Submitter(address, Log(Path(log)), int(owner), int(count)).live())


if __name__ == "__main__":
    main()
