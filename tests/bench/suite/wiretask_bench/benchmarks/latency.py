"""How long one task takes on an idle system, beside an echo that makes as many hops, and a synced write."""

from __future__ import annotations

import statistics

import uvloop

from wiretask_bench import floors, load
from wiretask_bench.figures import Goal, Row, at_most, percentile
from wiretask_bench.settings import Settings
from wiretask_bench.system import INLINE, System
from wiretask_client import Client

Times = list[list[float]]


def latency(settings: Settings) -> list[Row]:
    """Both stores, the echo and the write in turns, a few hundred of each at a time."""
    with System() as system, floors.Relayed() as relays:
        port = relays.relay("echo")
        addresses = [system.scheduler(store)[1] for store in ("memory", "tasks.db")]
        for address in addresses:
            system.worker(address, *INLINE)
        memory, durable, echo, sync = uvloop.run(_in_turns(settings, addresses, port, system))
    hops = [percentile(times, 0.5) for times in echo]
    writes = [percentile(times, 0.5) for times in sync]
    doubled = [2 * hop for hop in hops]
    synced = [4 * write + 2 * hop for write, hop in zip(writes, hops, strict=True)]
    return [
        _row("memory", memory, 0.15, hops, doubled, "two-hop echo", "2 × echo"),
        _row("durable", durable, 0.7, synced, synced, "4 × fdatasync + 2 × two-hop echo", "4 × fdatasync + 2 × echo"),
    ]


async def _in_turns(
    settings: Settings, addresses: list[str], port: int, system: System
) -> tuple[Times, Times, Times, Times]:
    memory: Times = []
    durable: Times = []
    echoed: Times = []
    synced: Times = []
    echo = await floors.Echo.connect(port)
    async with Client(addresses[0]) as volatile, Client(addresses[1]) as kept:
        for warm in [True, *(False for _ in range(settings.rounds))]:
            count = settings.round_trips
            times = (
                await echo.round_trips(count),
                await load.round_trips(volatile, count),
                floors.synced_writes(system.folder, count),
                await load.round_trips(kept, count),
            )
            if not warm:
                for all_times, some in zip((echoed, memory, synced, durable), times, strict=True):
                    all_times.append(some)
    echo.close()
    return memory, durable, echoed, synced


def _row(store: str, times: Times, goal: float, floor: list[float], bound: list[float], beside: str, words: str) -> Row:
    """`floor` is shown and compared; `bound` is what the goal allows, a round each."""
    middles = [percentile(some, 0.5) for some in times]
    p50, p99 = statistics.median(middles), statistics.median(percentile(some, 0.99) for some in times)
    allowed = statistics.median(bound)
    return Row(
        name=f"latency-{store}",
        what=f"submission to result, idle, {store}, p50",
        unit="ms",
        better="less",
        value=p50,
        floor=beside,
        floor_value=statistics.median(floor),
        ratios=[middle / least for middle, least in zip(middles, floor, strict=True)],
        goals=[
            at_most(p50, goal, f"{goal} ms"),
            Goal(f"≤ {words} = {allowed:.2f} ms", p50 <= allowed),
            Goal(f"p99 ≤ 3 × p50: {p99:.2f} ms", p99 <= 3 * p50),
        ],
        notes=[f"p99 {p99:.2f} ms"],
    )
