"""The goals that name a peer: they can be judged only where that peer has run in the same run."""

from __future__ import annotations

from wiretask_bench.figures import Goal, Results

#: Row, at least so many times, the peer, what it is called.
_RATES = (
    ("durable", 1.2, "redis-lists-synced", "Redis lists, AOF always"),
    ("durable", 1, "nats-file", "NATS JetStream, no sync"),
    ("durable", 60, "dramatiq-synced", "dramatiq, AOF always"),
    ("memory", 0.7, "gearmand", "gearmand"),
)
#: The row that says how many frames a second the same run has passed on at all.
RELAYED = ("durable", "memory", "threads")


def judge(results: Results) -> None:
    """Adds those goals to the rows that they are about."""
    for name, times, peer_name, words in _RATES:
        row, peer = results.row(name), results.peer(peer_name)
        if row is not None and row.value is not None and peer is not None and peer.rate:
            measured = row.value / peer.rate
            row.goals.append(Goal(f"≥ {times:g} × {words}: {measured:.2f} ×", measured >= times))


def relay(results: Results) -> float | None:
    """Tasks a second of the bare relay."""
    rows = (results.row(name) for name in RELAYED)
    return next((row.floor_value for row in rows if row is not None and row.floor_value), None)
