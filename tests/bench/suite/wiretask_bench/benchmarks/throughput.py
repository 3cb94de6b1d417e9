"""Single tasks from one client to one worker: through the durable store without a pause, through memory, in threads."""

from __future__ import annotations

import statistics
import threading
from pathlib import Path

from wiretask_bench import floors, load
from wiretask_bench.figures import Goal, Row, at_least, at_most
from wiretask_bench.settings import Settings
from wiretask_bench.system import INLINE, System
from wiretask_bench.words import number, whole

#: The store copies its log back from 64 MiB on; beside a reader it may grow to twice that before it gets to it.
_LOG_BYTES = 128 << 20
_LOOK_SECONDS = 0.05
#: How much the file may grow in the last half of a stretch, when as much is forgotten as is written.
_GROWTH = 1.25
_RELAY = "bare relay, same frames"


class Watch(threading.Thread):
    """Looks at how long a database and its log are, until it is told to stop."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.files = (path, path.with_name(path.name + "-wal"))
        self.longest_log = 0
        self.lengths: list[int] = []
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            data, log = (file.stat().st_size if file.exists() else 0 for file in self.files)
            self.lengths.append(data)
            self.longest_log = max(self.longest_log, log)

    def stop(self) -> None:
        self._over.set()
        self.join()

    def growth(self) -> float:
        """By how much the file has grown in the second half of the time."""
        return self.lengths[-1] / max(self.lengths[len(self.lengths) // 2], 1) if self.lengths else 1.0


def durable(settings: Settings) -> list[Row]:
    """SQLite, every commit synced, for as long as was asked, with what is kept and the log bounded."""
    with System() as system, floors.Relayed() as relays:
        port = relays.relay("own")
        # Results are kept for a quarter of the time: so that as much is forgotten as comes in the last half of it.
        kept = max(settings.seconds / 4, 0.1)
        _, address = system.scheduler("tasks.db", retention_seconds=kept)
        system.worker(address, *INLINE)
        load.run(address, min(settings.seconds, 1))
        before = [floors.relayed(port, settings.round_seconds) for _ in range(2)]
        watch = Watch(system.folder / "tasks.db")
        watch.start()
        stretch = load.run(address, settings.seconds)
        watch.stop()
        bare = statistics.median([*before, *(floors.relayed(port, settings.round_seconds) for _ in range(2))])
    rates, megabytes = stretch.rates(6), watch.longest_log / 2**20
    return [
        Row(
            name="durable",
            what=f"single tasks, SQLite, every commit synced, {settings.seconds:g} s without a pause",
            unit="tasks/s",
            value=stretch.rate,
            floor=_RELAY,
            floor_value=bare,
            ratios=[rate / bare for rate in rates],
            goals=[
                at_least(stretch.rate, 100_000, "100 000"),
                Goal(f"slowest sixth ≥ 80 % of the whole: {number(min(rates))}", min(rates) >= 0.8 * stretch.rate),
                at_most(watch.longest_log, _LOG_BYTES, f"128 MiB of log: {megabytes:.0f}"),
                at_most(watch.growth(), _GROWTH, f"1.25 × growth of the file: {watch.growth():.2f}"),
            ],
            notes=[f"{whole(stretch.tasks)} tasks, results kept for {kept:g} s, log at most {megabytes:.0f} MiB"],
        )
    ]


def memory(settings: Settings) -> list[Row]:
    """The memory store."""
    return [_in_turns(settings, "memory", "single tasks, memory store", 200_000, INLINE)]


def threads(settings: Settings) -> list[Row]:
    """Handlers that take no time, in threads: what the executor costs."""
    return [_in_turns(settings, "threads", "thread executor, handlers of 0 ms", 40_000, ("--executor", "thread"))]


def _in_turns(settings: Settings, name: str, what: str, goal: int, worker: tuple[str, ...]) -> Row:
    with System() as system, floors.Relayed() as relays:
        port = relays.relay("own")
        _, address = system.scheduler("memory")
        system.worker(address, *worker)
        load.run(address, min(settings.round_seconds, 1))
        rates, bare = [], []
        for _ in range(settings.rounds):
            bare.append(floors.relayed(port, settings.round_seconds))
            rates.append(load.run(address, settings.round_seconds).rate)
    value = statistics.median(rates)
    return Row(
        name=name,
        what=what,
        unit="tasks/s",
        value=value,
        floor=_RELAY,
        floor_value=statistics.median(bare),
        ratios=[rate / floor for rate, floor in zip(rates, bare, strict=True)],
        goals=[at_least(value, goal, whole(goal))],
    )


def arrays(settings: Settings) -> list[Row]:
    """Task arrays: the protocol has no SubmitArray yet; the relay that they shall be measured against is here."""
    with floors.Relayed() as relays:
        port = relays.relay("small")
        bare = [floors.dict_relayed(port, settings.round_seconds) for _ in range(settings.rounds)]
    return [
        Row(
            name="arrays",
            what="task arrays, durable",
            unit="elements/s",
            floor="bare dict relay of single frames",
            floor_value=statistics.median(bare),
            goals=[Goal("≥ 700 000, ≥ 0.6 × the dict relay", met=False)],
            notes=["not built"],
        )
    ]
